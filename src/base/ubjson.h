/* UBJSON, as XGBoost writes it: the same tree as of JSON, so that whoever reads one reads the other. */
#ifndef LEAT_BASE_UBJSON_H
#define LEAT_BASE_UBJSON_H

#include "base/json.h"

/* Whether a file that begins with '{' is UBJSON rather than JSON: JSON has no such byte behind it. */
bool leat_ubjson_begins(struct leat_bytes file);

/* Parses the whole file; the tree is the document's own. Depth is at most 256. Time is linear in the file, memory at
 * most 120 bytes for each of it: a length is compared with the bytes that are left before anything is allocated, and
 * elements without bytes (typed arrays of nulls) are refused. float32 becomes DOUBLE. High-precision numbers,
 * characters and no-ops, which XGBoost does not write, are refused. The error text says the byte. */
int leat_ubjson_parse(struct leat_bytes file, struct leat_json_document **ret, struct leat_error *err);

#endif
