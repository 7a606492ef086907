/* The digest of files that must not change: 128 bits of xxh3, in hex. It finds accidents, not forgers. */
#ifndef LEAT_BASE_DIGEST_H
#define LEAT_BASE_DIGEST_H

#include "base/bytes.h"

#define LEAT_DIGEST_TEXT 33 /* with the NUL */

void leat_digest(struct leat_bytes content, char ret[LEAT_DIGEST_TEXT]);

#endif
