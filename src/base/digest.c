#include "base/digest.h"

#include <stdio.h>
#include <xxhash.h>

void leat_digest(struct leat_bytes content, char ret[LEAT_DIGEST_TEXT])
{
    XXH128_hash_t hash = XXH3_128bits(content.data, content.len);
    snprintf(ret, LEAT_DIGEST_TEXT, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}
