#include "function/function.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Six lines; what a test adds begins in line 7. */
#define INPUT                                                                                                          \
    "function: f\n"                                                                                                    \
    "input:\n"                                                                                                         \
    "  topic: in\n"                                                                                                    \
    "  key: k\n"                                                                                                       \
    "  event_time: ts\n"                                                                                               \
    "  schema: {k: string, ts: timestamp_ms, x: double, n: int, s: string, b: bool, o: {a: int}, l: [int], t: string}\n"

#define STREAM                                                                                                         \
    "streams: {other: {topic: other, key: k, event_time: ts, schema: {k: string, ts: timestamp_ms, y: double}}}\n"
#define GLOBAL                                                                                                         \
    "streams: {other: {topic: other, scope: global, event_time: ts, schema: {s: string, ts: timestamp_ms, y: double, " \
    "alive: bool}, heartbeat: alive}}\n"
#define TABLE "tables: {rows: {topic: rows, key: s, schema: {s: string, v: double, w: int, u: string}}}\n"

static struct leat_function *loaded(const char *text)
{
    struct leat_error err = {0};
    struct leat_function *function = NULL;
    if (leat_function_parse("fn.yaml", leat_bytes_of(text), &function, &err) < 0)
        fail_msg("%s", err.text);
    return function;
}

struct refusal {
    const char *name; /* of the test: a sentence */
    const char *text; /* behind INPUT; NULL in `whole` */
    const char *whole;
    const char *error;
};

static void is_refused(void **state)
{
    const struct refusal *refusal = *state;
    struct leat_error err = {0};
    struct leat_function *function = NULL;
    char *text = NULL;
    if (asprintf(&text, "%s%s", refusal->whole ? refusal->whole : INPUT, refusal->whole ? "" : refusal->text) < 0)
        abort();
    int result = leat_function_parse("fn.yaml", leat_bytes_of(text), &function, &err);
    if (result == 0)
        fail_msg("it is read:\n%s", text);
    free(text);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    assert_string_equal(err.text, refusal->error);
}

static const struct refusal refusals[] = {
    /* keys and values */
    {"an_empty_file_is_refused", NULL, "# nothing\n", "fn.yaml: it is empty; `leat init` writes a first one"},
    {"a_file_that_is_a_list_is_refused", NULL, "- a\n",
     "fn.yaml:1:1: a function file is a mapping, and this is a list\n"
     "  - a\n"
     "  ^"},
    {"an_unknown_key_is_refused_with_the_nearest", "featurs: {x: x}\n", NULL,
     "fn.yaml:7:1: 'featurs' is not a key of a function file; the nearest is 'features'\n"
     "  featurs: {x: x}\n"
     "  ^"},
    {"an_unknown_key_of_a_stream_is_refused_with_the_nearest", "streams:\n  other: {topc: a}\n", NULL,
     "fn.yaml:8:11: 'topc' is not a key of streams.other; the nearest is 'topic'\n"
     "    other: {topc: a}\n"
     "            ^"},
    {"an_unknown_key_without_a_near_one_is_refused_with_all", "limits: {zzzz: 5m}\n", NULL,
     "fn.yaml:7:10: 'zzzz' is not a key of limits; it has event_age\n"
     "  limits: {zzzz: 5m}\n"
     "           ^"},
    {"a_dotted_spelling_of_a_nested_key_is_refused", "input.topic: x\n", NULL,
     "fn.yaml:7:1: 'input.topic' is written as 'topic' below 'input'\n"
     "  input.topic: x\n"
     "  ^"},
    {"a_nested_spelling_of_a_dotted_key_is_refused", "errors: {tolerance: all}\n", NULL,
     "fn.yaml:7:1: 'errors.tolerance' is one key, written with its dots: errors.tolerance: …\n"
     "  errors: {tolerance: all}\n"
     "  ^"},
    {"a_missing_key_is_named", NULL, "function: f\n",
     "fn.yaml:1:1: there is no 'input', which every function needs\n"
     "  function: f\n"
     "  ^"},
    {"a_missing_key_of_a_section_is_named_at_the_section", NULL, "function: f\ninput:\n  topic: a\n",
     "fn.yaml:2:1: input has no 'event_time', which it needs\n"
     "  input:\n"
     "  ^"},
    {"a_key_without_a_value_is_refused", "model: {name: }\n", NULL,
     "fn.yaml:7:15: model.name has no value\n"
     "  model: {name: }\n"
     "                ^"},
    {"a_section_without_anything_is_refused", "limits:\n", NULL,
     "fn.yaml:7:1: limits has nothing below it\n"
     "  limits:\n"
     "  ^"},
    {"a_section_that_is_a_value_is_refused", "limits: 5m\n", NULL,
     "fn.yaml:7:9: limits is a mapping, and this is a single value\n"
     "  limits: 5m\n"
     "          ^"},
    {"a_value_that_is_a_list_is_refused", "limits: {event_age: [5m]}\n", NULL,
     "fn.yaml:7:21: limits.event_age is a duration, and this is a list\n"
     "  limits: {event_age: [5m]}\n"
     "                      ^"},
    {"a_duration_without_a_unit_is_refused", "limits: {event_age: 5}\n", NULL,
     "fn.yaml:7:21: '5' is not a duration: a unit is missing; write a whole number with a unit (us, ms, s, m, h, d or "
     "w), as in 90s or 1h30m\n"
     "  limits: {event_age: 5}\n"
     "                      ^"},
    {"a_limit_of_zero_is_refused", "limits: {event_age: 0}\n", NULL,
     "fn.yaml:7:21: limits.event_age must be more than 0; leave it out to have none\n"
     "  limits: {event_age: 0}\n"
     "                      ^"},
    {"a_choice_that_is_none_is_refused_with_all", "processing.guarantee: exactly\n", NULL,
     "fn.yaml:7:23: processing.guarantee is one of at_least_once, exactly_once, exactly_once_v2; this is 'exactly'\n"
     "  processing.guarantee: exactly\n"
     "                        ^"},
    {"a_topic_with_a_space_is_refused", "decisions: {topic: a b}\n", NULL,
     "fn.yaml:7:20: decisions.topic is made of at most 249 letters, digits, '.', '_' and '-'; this is 'a b'\n"
     "  decisions: {topic: a b}\n"
     "                     ^"},
    {"a_format_that_is_planned_is_refused", "output: {topic: out, format: avro, value: {x: x}}\n", NULL,
     "fn.yaml:7:30: the format 'avro' is planned, but not there yet; there are json and csv\n"
     "  output: {topic: out, format: avro, value: {x: x}}\n"
     "                               ^"},
    {"a_model_output_that_is_no_number_is_refused", "model: {name: m, output: -1}\nfeatures: {x: x}\n", NULL,
     "fn.yaml:7:26: model.output is a whole number from 0; this is '-1'\n"
     "  model: {name: m, output: -1}\n"
     "                           ^"},
    {"tolerance_none_is_refused", "errors.tolerance: none\n", NULL,
     "fn.yaml:7:19: errors.tolerance: none, to stop at the first bad event, is not there yet; with all they go to "
     "errors.deadletterqueue.topic.name\n"
     "  errors.tolerance: none\n"
     "                    ^"},
    {"a_commit_interval_that_is_no_number_is_refused", "kafka: {auto.commit.interval.ms: 1s}\n", NULL,
     "fn.yaml:7:34: auto.commit.interval.ms is a number of milliseconds from 1 to 3600000; this is '1s'\n"
     "  kafka: {auto.commit.interval.ms: 1s}\n"
     "                                   ^"},
    {"a_client_setting_that_is_a_mapping_is_refused", "kafka: {sasl: {mechanism: PLAIN}}\n", NULL,
     "fn.yaml:7:15: kafka.sasl is a text, and this is a mapping\n"
     "  kafka: {sasl: {mechanism: PLAIN}}\n"
     "                ^"},
    /* ${…} */
    {"a_variable_that_is_not_set_is_refused_at_its_place", "kafka: {a: 'x${LEAT_TEST_NONE}'}\n", NULL,
     "fn.yaml:7:14: the environment variable 'LEAT_TEST_NONE' is not set\n"
     "  kafka: {a: 'x${LEAT_TEST_NONE}'}\n"
     "               ^"},
    {"a_variable_that_is_not_closed_is_refused", "kafka: {a: '${HOME'}\n", NULL,
     "fn.yaml:7:13: ${ without a }; a dollar sign by itself is written $$\n"
     "  kafka: {a: '${HOME'}\n"
     "              ^"},
    {"a_variable_without_a_name_is_refused", "kafka: {a: '${}'}\n", NULL,
     "fn.yaml:7:13: ${…} holds the name of an environment variable, or file: and a path; a dollar sign by itself is "
     "written $$\n"
     "  kafka: {a: '${}'}\n"
     "              ^"},
    {"a_secret_file_that_is_not_there_is_refused", "kafka: {a: '${file:/nowhere/at/all}'}\n", NULL,
     "fn.yaml:7:13: can not read '/nowhere/at/all': No such file or directory\n"
     "  kafka: {a: '${file:/nowhere/at/all}'}\n"
     "              ^"},
    {"a_secret_is_not_shown_by_an_error_of_its_value", "decisions: {topic: '${LEAT_TEST_SECRET}'}\n", NULL,
     "fn.yaml:7:20: decisions.topic is made of at most 249 letters, digits, '.', '_' and '-'; this is '${…}'\n"
     "  decisions: {topic: '${LEAT_TEST_SECRET}'}\n"
     "                     ^"},
    {"a_secret_is_not_shown_by_an_error_of_its_duration", "limits: {event_age: '${LEAT_TEST_SECRET}'}\n", NULL,
     "fn.yaml:7:21: this does not do with what ${…} stands for (it is not shown, for it may be a secret)\n"
     "  limits: {event_age: '${LEAT_TEST_SECRET}'}\n"
     "                      ^"},
    {"a_secret_is_not_shown_by_an_error_of_its_expression", "features: {f: 'ln(${LEAT_TEST_SECRET})'}\n", NULL,
     "fn.yaml:7:15: this does not do with what ${…} stands for (it is not shown, for it may be a secret)\n"
     "  features: {f: 'ln(${LEAT_TEST_SECRET})'}\n"
     "                ^"},
    {"a_secret_is_not_shown_by_an_error_of_its_type",
     "tables: {a: {topic: a, key: k, schema: {k: '${LEAT_TEST_SECRET}'}}}\n", NULL,
     "fn.yaml:7:44: there is no type '${…}'; there are string, int, double, bool, timestamp (RFC 3339 text), "
     "timestamp_s, timestamp_ms and timestamp_us (numbers since 1970)\n"
     "  tables: {a: {topic: a, key: k, schema: {k: '${LEAT_TEST_SECRET}'}}}\n"
     "                                             ^"},
    /* schemas and sources */
    {"an_unknown_type_is_refused_with_the_nearest", "tables: {a: {topic: a, key: k, schema: {k: sting}}}\n", NULL,
     "fn.yaml:7:44: there is no type 'sting'; the nearest is 'string'\n"
     "  tables: {a: {topic: a, key: k, schema: {k: sting}}}\n"
     "                                             ^"},
    {"a_list_type_of_two_is_refused", "tables: {a: {topic: a, key: k, schema: {k: [int, int]}}}\n", NULL,
     "fn.yaml:7:44: a list is written with the type of its elements: [int]\n"
     "  tables: {a: {topic: a, key: k, schema: {k: [int, int]}}}\n"
     "                                             ^"},
    {"a_schema_without_fields_is_refused", "tables: {a: {topic: a, key: k, schema: {}}}\n", NULL,
     "fn.yaml:7:40: a schema without fields\n"
     "  tables: {a: {topic: a, key: k, schema: {}}}\n"
     "                                         ^"},
    {"a_key_that_is_no_field_is_refused_with_the_nearest", "tables: {a: {topic: a, key: kk, schema: {k: int}}}\n", NULL,
     "fn.yaml:7:29: 'kk': the schema has no field 'kk'; did you mean 'k'?\n"
     "  tables: {a: {topic: a, key: kk, schema: {k: int}}}\n"
     "                              ^"},
    {"a_key_with_a_field_twice_is_refused", "tables: {a: {topic: a, key: [k, k], schema: {k: int}}}\n", NULL,
     "fn.yaml:7:33: 'k' is in the key already\n"
     "  tables: {a: {topic: a, key: [k, k], schema: {k: int}}}\n"
     "                                  ^"},
    {"an_event_time_that_is_a_number_is_refused",
     "tables: {a: {topic: a, key: k, event_time: k, schema: {k: int}}}\n", NULL,
     "fn.yaml:7:44: event_time 'k' is of type int in the schema, and must be timestamp (RFC 3339 text), timestamp_s, "
     "timestamp_ms or timestamp_us\n"
     "  tables: {a: {topic: a, key: k, event_time: k, schema: {k: int}}}\n"
     "                                             ^"},
    {"a_ttl_without_an_event_time_is_refused", "tables: {a: {topic: a, key: k, schema: {k: int}, ttl: 4d}}\n", NULL,
     "fn.yaml:7:55: ttl needs the table's event_time, to know how old it is\n"
     "  tables: {a: {topic: a, key: k, schema: {k: int}, ttl: 4d}}\n"
     "                                                        ^"},
    {"a_warning_that_comes_after_the_error_is_refused",
     "streams:\n  a: {topic: a, scope: global, event_time: t, schema: {t: timestamp},\n"
     "      freshness: {warn_after: 3m, error_after: 2m}}\n",
     NULL,
     "fn.yaml:9:31: warn_after is longer than error_after, which comes first\n"
     "        freshness: {warn_after: 3m, error_after: 2m}}\n"
     "                                ^"},
    {"a_stream_without_a_key_is_refused",
     "streams:\n  a: {topic: a, event_time: t, schema: {t: timestamp}}\n", NULL,
     "fn.yaml:8:3: stream 'a' has no key: name the field by which its topic is partitioned, or give it `scope: "
     "global`, and every worker reads all of it\n"
     "    a: {topic: a, event_time: t, schema: {t: timestamp}}\n"
     "    ^"},
    {"a_stream_whose_key_has_another_type_than_the_inputs_is_refused",
     "streams:\n  a: {topic: a, key: k, event_time: t, schema: {t: timestamp, k: int}}\n", NULL,
     "fn.yaml:8:22: 'k' is int here, and 'k' of the input's key is string: one key has one type\n"
     "    a: {topic: a, key: k, event_time: t, schema: {t: timestamp, k: int}}\n"
     "                       ^"},
    {"a_stream_whose_key_has_more_fields_than_the_inputs_is_refused",
     "streams:\n  a: {topic: a, key: [k, t], event_time: t, schema: {t: timestamp, k: string}}\n", NULL,
     "fn.yaml:8:22: stream 'a' is partitioned by k, t, and the input by k: both need the same key, or the stream "
     "`scope: global`\n"
     "    a: {topic: a, key: [k, t], event_time: t, schema: {t: timestamp, k: string}}\n"
     "                       ^"},
    {"a_source_with_the_name_of_a_column_is_refused", "tables: {x: {topic: a, key: k, schema: {k: int}}}\n", NULL,
     "fn.yaml:7:10: 'x' is a column of the input already; choose another name\n"
     "  tables: {x: {topic: a, key: k, schema: {k: int}}}\n"
     "           ^"},
    {"a_table_with_the_name_of_a_stream_is_refused",
     GLOBAL "tables: {other: {topic: a, key: k, schema: {k: int}}}\n", NULL,
     "fn.yaml:8:10: 'other' is the stream in line 7 already; choose another name\n"
     "  tables: {other: {topic: a, key: k, schema: {k: int}}}\n"
     "           ^"},
    {"a_source_whose_name_is_no_word_is_refused", "tables: {a-b: {topic: a, key: k, schema: {k: int}}}\n", NULL,
     "fn.yaml:7:10: the name of a stream or table is used in expressions: letters, digits and '_', not beginning with "
     "a digit\n"
     "  tables: {a-b: {topic: a, key: k, schema: {k: int}}}\n"
     "           ^"},
    /* model, output, topics */
    {"on_stale_fallback_without_a_fallback_is_refused", "model: {name: m, on_stale: fallback}\nfeatures: {x: x}\n", NULL,
     "fn.yaml:7:28: on_stale: fallback needs `fallback`, the name of a model whose features need no stream\n"
     "  model: {name: m, on_stale: fallback}\n"
     "                             ^"},
    {"a_fallback_that_never_serves_is_refused", "model: {name: m, fallback: n}\nfeatures: {x: x}\n", NULL,
     "fn.yaml:7:28: a fallback serves only with `on_stale: fallback`\n"
     "  model: {name: m, fallback: n}\n"
     "                             ^"},
    {"a_model_without_features_is_refused", "model: {name: m}\n", NULL,
     "fn.yaml:7:1: a model, and no features to give it\n"
     "  model: {name: m}\n"
     "  ^"},
    {"an_output_to_the_inputs_topic_is_refused", "output: {topic: in, value: {x: x}}\n", NULL,
     "fn.yaml:7:17: the output would go to the topic that the input is read from\n"
     "  output: {topic: in, value: {x: x}}\n"
     "                  ^"},
    {"two_outputs_to_one_topic_are_refused",
     "output: {topic: a, value: {x: x}}\nerrors.deadletterqueue.topic.name: a\n", NULL,
     "fn.yaml:8:36: the output and the dead letters would go to the same topic\n"
     "  errors.deadletterqueue.topic.name: a\n"
     "                                     ^"},
    {"meta_in_csv_is_refused", "output: {topic: a, format: csv, meta: m, value: {x: x}}\n", NULL,
     "fn.yaml:7:39: meta is a nested object, which csv can not hold; name `marks` and `model.version` in output.value "
     "instead\n"
     "  output: {topic: a, format: csv, meta: m, value: {x: x}}\n"
     "                                        ^"},
    {"an_output_field_with_the_name_of_meta_is_refused", "output: {topic: a, value: {leat: x}}\n", NULL,
     "fn.yaml:7:28: 'leat' is the field with version and marks; choose another name, or another for `output.meta` "
     "(none switches it off)\n"
     "  output: {topic: a, value: {leat: x}}\n"
     "                             ^"},
};

int main(void)
{
    setenv("LEAT_TEST_SECRET", "hunter two", 1);
    unsetenv("LEAT_TEST_NONE");
    struct CMUnitTest tests[200];
    size_t count = 0;
    for (size_t i = 0; i < COUNT(refusals); i++)
        tests[count++] = (struct CMUnitTest){
            .name = refusals[i].name,
            .test_func = is_refused,
            .initial_state = (void *)(uintptr_t)&refusals[i],
        };
    (void)loaded;
    return _cmocka_run_group_tests("function_load", tests, count, NULL, NULL);
}
