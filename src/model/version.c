/* The life of a version: counted references, any thread. */
#include "model/version.h"

struct leat_version *leat_version_ref(struct leat_version *version)
{
    if (version)
        __atomic_add_fetch(&version->references, 1, __ATOMIC_RELAXED);
    return version;
}

void leat_version_unref(struct leat_version *version)
{
    if (version && __atomic_sub_fetch(&version->references, 1, __ATOMIC_ACQ_REL) == 0)
        version->release(version);
}
