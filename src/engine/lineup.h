/* Who serves: the control log followed, versions loaded from the registry and bound, one lineup published.
 *
 * Loading happens when a control record is read; the switch itself is a change of pointers between two batches. */
#ifndef LEAT_ENGINE_LINEUP_H
#define LEAT_ENGINE_LINEUP_H

#include "function/score.h"

struct leat_roster;

/* Loads the fallback's newest version. A fallback that does not load is an error; a registry without the model is not. */
int leat_roster_new(const struct leat_function *function, struct leat_roster **ret, struct leat_error *err);
void leat_roster_free(struct leat_roster *roster); /* NULL is fine */

/* Takes the next record of the control log. *ret_changed: the lineup is another now. A champion that can not be loaded
 * leaves the lineup as it was, a shadow that can not is left out; both say why in *err with a return of −1. The log position
 * moves on all the same. */
int leat_roster_feed(struct leat_roster *roster, int64_t offset, struct leat_bytes record, bool *ret_changed,
                     struct leat_error *err);
/* When nobody has a role: the registry's newest version enters as a shadow. Cheap to call now and then. */
int leat_roster_default(struct leat_roster *roster, bool *ret_changed, struct leat_error *err);
/* One given version as the champion, without the control log (score, worth, tests); the fallback as its shadow if wanted. */
int leat_roster_serve(struct leat_roster *roster, uint32_t version, bool limits_off, bool shadow_fallback,
                      struct leat_error *err);

/* −1 with the reason when the control log names a champion and neither it nor one before it could be loaded: answers would be
 * withheld, and lost, for the want of a file. */
int leat_roster_check(const struct leat_roster *roster, struct leat_error *err);

const struct leat_lineup *leat_roster_lineup(const struct leat_roster *roster);
int64_t leat_roster_position(const struct leat_roster *roster); /* offset of the last record taken; −1: none */

/* Appends an "applied" record's text: which partition switched at which input offset, in how many microseconds. */
int leat_roster_applied(const struct leat_roster *roster, int32_t partition, int64_t input_offset, int64_t time,
                        int64_t micros, struct leat_buffer *out);

#endif
