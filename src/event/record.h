/* A record as a source hands it over, before it is decoded: what is kept byte for byte in a dead letter. */
#ifndef LEAT_EVENT_RECORD_H
#define LEAT_EVENT_RECORD_H

#include "base/bytes.h"

#include <stdint.h>

struct leat_header {
    struct leat_bytes name;
    struct leat_bytes value; /* data NULL: a null header */
};

struct leat_record {
    const char *topic;
    int32_t partition;
    int64_t offset;          /* in a file: the number of the record, from 0 */
    int64_t timestamp;       /* µs; LEAT_TIME_NONE where the source has none (files) */
    struct leat_bytes key;   /* data NULL: no key */
    struct leat_bytes value; /* data NULL: a tombstone */
    const struct leat_header *headers;
    size_t header_count;
};

#endif
