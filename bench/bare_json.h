/* A bare loop of simdjson On-Demand that reads 8 of the 12 fields of card-fraud records, in the order in which they come,
 * and checks nothing else: what decoding costs at the least. */
#ifndef BENCH_BARE_JSON_H
#define BENCH_BARE_JSON_H

#include <stddef.h>

#define BARE_JSON_PADDING 64 /* bytes that must be readable behind each record */

#ifdef __cplusplus
extern "C" {
#endif

struct bare_json;
struct bare_json *bare_json_new(void);
void bare_json_free(struct bare_json *loop);

/* A sum that depends on all that was read: the length and the last byte of texts, the amount, the milliseconds. */
double bare_json_read(struct bare_json *loop, const char *const *records, const size_t *lengths, size_t count);

#ifdef __cplusplus
}
#endif

#endif
