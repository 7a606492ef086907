/* leat test, in parts:
 *
 *   test.c           the command, and the report (TAP)
 *   test_case.c      fn.test.yaml: events in, expected features and outputs
 *   test_value.c     YAML values ↔ records, features and outputs
 *   test_fake.c      a version that always gives the same answer
 *   test_scenario.c  a folder: events/ in, expected/ out, through the engine */
#ifndef LEAT_CMD_TEST_H
#define LEAT_CMD_TEST_H

#include "base/json.h"
#include "base/yaml.h"
#include "function/score.h"

struct leat_test_report {
    size_t passed, failed;
};

/* One test is over. `failures`: lines that say what was expected and what came; empty when it passed. */
void leat_test_report(struct leat_test_report *report, const char *name, struct leat_bytes failures);

/* Every test of the file. −1: the file can not be used. */
int leat_test_cases(const struct leat_function *function, const char *file, struct leat_test_report *report,
                    struct leat_error *err);
/* <folder>/events/ through the engine, against <folder>/expected/. `accept`: writes what came as what is expected. */
int leat_test_scenario(const struct leat_function *function, const char *folder, bool accept,
                       struct leat_test_report *report, struct leat_error *err);

/* A record's bytes from a YAML value: a mapping becomes a record of the source's format, with times written as RFC 3339
 * made what its schema says; a text is taken as it is. */
int leat_test_put_record(const struct leat_source *source, const struct leat_yaml *value, struct leat_buffer *out);

/* Does the value agree with what is expected? Numbers to nine digits, times as RFC 3339. */
bool leat_test_value_agrees(const struct leat_yaml *expected, enum leat_type type, struct leat_value value);
/* The same of a value in an output; mappings may have more members than are expected. `encoding` says how a number
 * stands for a time. */
bool leat_test_json_agrees(const struct leat_yaml *expected, const struct leat_json *value, enum leat_type type,
                           enum leat_encoding encoding);
/* What is expected, on one line. */
void leat_test_put_expected(const struct leat_yaml *expected, struct leat_buffer *out);

/* A version of the model `name` that gives the same answer to every event. */
struct leat_fake {
    const char *name;
    uint32_t number;
    double threshold;   /* NaN: none */
    int64_t trained_at; /* LEAT_TIME_NONE: not told */
    struct leat_fixed answer;
};
struct leat_bound *leat_test_fake(const struct leat_fake *fake); /* of which a copy is kept */

#endif
