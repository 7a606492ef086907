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
#define INPUT            \
    "function: f\n"      \
    "input:\n"           \
    "  topic: in\n"      \
    "  key: k\n"         \
    "  event_time: ts\n" \
    "  schema: {k: string, ts: timestamp_ms, x: double, n: int, s: string, b: bool, o: {a: int}, l: [int], t: string}\n"

#define STREAM \
    "streams: {other: {topic: other, key: k, event_time: ts, schema: {k: string, ts: timestamp_ms, y: double}}}\n"
#define GLOBAL                                                                                                         \
    "streams: {other: {topic: other, scope: global, event_time: ts, schema: {s: string, ts: timestamp_ms, y: double, " \
    "alive: bool}, heartbeat: alive}}\n"
#define MODEL "model: {name: m}\nfeatures: {x: x}\n"
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
     "fn.yaml:7:1: keys that begin with 'errors' are written with their dots: errors.tolerance: …, or errors.deadletterqueue.topic.name: …\n"
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
     "fn.yaml:7:26: model.output is one of the model's numbers by name (probability, probability[yes], margin, class, "
     "value[0.9]) or the index of an output from 0; this is '-1'\n"
     "  model: {name: m, output: -1}\n"
     "                           ^"},
    {"an_output_of_a_model_needs_a_model", "output: {topic: out, value: {a: \"outputs['class']\"}}\n", NULL,
     "fn.yaml:7:34: there is no 'outputs['class']' in the output\n"
     "  outputs['class']\n"
     "  ^"},
    {"all_outputs_in_an_expression_are_refused", MODEL "output: {topic: out, value: {a: \"coalesce(outputs, 1)\"}}\n",
     NULL,
     "fn.yaml:9:43: 'outputs' is a list, which only a whole field of the output can be; one of them is "
     "outputs['probability'], say, or outputs[0]\n"
     "  coalesce(outputs, 1)\n"
     "           ^"},
    {"reasons_in_an_expression_are_refused", MODEL "output: {topic: out, value: {a: reasons is null}}\n", NULL,
     "fn.yaml:9:33: 'reasons' is a list, which only a whole field of the output can be\n"
     "  reasons is null\n"
     "  ^"},
    {"more_reasons_than_there_may_be_are_refused", MODEL "output: {topic: out, value: {a: reasons(65)}}\n", NULL,
     "fn.yaml:9:33: reasons(k) gives 1 to 64 features\n"
     "  output: {topic: out, value: {a: reasons(65)}}\n"
     "                                  ^"},
    {"no_reasons_are_refused", MODEL "output: {topic: out, value: {a: reasons(0)}}\n", NULL,
     "fn.yaml:9:33: reasons(k) gives 1 to 64 features\n"
     "  output: {topic: out, value: {a: reasons(0)}}\n"
     "                                  ^"},
    {"lists_in_csv_are_refused", MODEL "output: {topic: out, format: csv, value: {a: outputs}}\n", NULL,
     "fn.yaml:9:46: 'outputs' is a list, which csv can not hold; name its numbers one by one: outputs[0], outputs[1]\n"
     "  output: {topic: out, format: csv, value: {a: outputs}}\n"
     "                                               ^"},
    {"reasons_in_csv_are_refused", MODEL "output: {topic: out, format: csv, value: {a: reasons}}\n", NULL,
     "fn.yaml:9:46: 'reasons' is a list, which csv can not hold; output.format: json can\n"
     "  output: {topic: out, format: csv, value: {a: reasons}}\n"
     "                                               ^"},
    {"a_text_in_the_brackets_of_another_list_is_refused", MODEL "output: {topic: out, value: {a: \"l['x']\"}}\n", NULL,
     "fn.yaml:9:34: there is no table 'l'; of a list the brackets take a number: l[0]\n"
     "  l['x']\n"
     "  ^"},
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
    {"an_expression_from_outside_the_file_is_refused", "features: {f: 'ln(${LEAT_TEST_SECRET})'}\n", NULL,
     "fn.yaml:7:15: ${…} can not be part of an expression: what it computes would depend on where it runs, and reports of "
     "it would show what may be a secret\n"
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
    {"an_event_time_that_is_a_number_is_refused", "tables: {a: {topic: a, key: k, event_time: k, schema: {k: int}}}\n",
     NULL,
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
    {"a_stream_without_a_key_is_refused", "streams:\n  a: {topic: a, event_time: t, schema: {t: timestamp}}\n", NULL,
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
    {"a_table_with_the_name_of_a_stream_is_refused", GLOBAL "tables: {other: {topic: a, key: k, schema: {k: int}}}\n",
     NULL,
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
    /* expressions */
    {"an_unknown_name_is_refused_with_the_nearest",
     "features: {f: ln(xx)}\n"
     "",
     NULL,
     "fn.yaml:7:18: there is no 'xx' in features; the nearest name is 'x'\n"
     "  ln(xx)\n"
     "     ^"},
    {"a_type_that_does_not_fit_is_refused",
     "features: {f: ln(s)}\n"
     "",
     NULL,
     "fn.yaml:7:18: 's' is a string, and ln takes a number\n"
     "  ln(s)\n"
     "     ^"},
    {"a_feature_that_uses_a_later_one_is_refused",
     "features: {f: g + 1, g: x}\n"
     "",
     NULL,
     "fn.yaml:7:15: feature 'g' comes further down, and a feature may use only those above it\n"
     "  g + 1\n"
     "  ^"},
    {"a_feature_that_uses_itself_is_refused",
     "features: {f: f + 1}\n"
     "",
     NULL,
     "fn.yaml:7:15: feature 'f' can not use itself\n"
     "  f + 1\n"
     "  ^"},
    {"a_lookup_by_a_feature_that_hides_a_column_is_refused",
     TABLE "features: {a: 'rows[s].v', s: upper(s), b: 'rows[s].v'}\n"
           "",
     NULL,
     "fn.yaml:8:45: 's' uses what is computed after lookups: features can not be part of their keys, but the columns that they are made of can\n"
     "  rows[s].v\n"
     "  ^"},
    {"a_feature_with_the_name_of_a_result_is_refused",
     "features: {score: x}\n"
     "",
     NULL,
     "fn.yaml:7:12: 'score' means something else in the output; choose another name\n"
     "  features: {score: x}\n"
     "             ^"},
    {"a_feature_with_the_name_of_a_table_is_refused",
     TABLE "features: {rows: x}\n"
           "",
     NULL,
     "fn.yaml:8:12: 'rows' is a stream or table already; choose another name\n"
     "  features: {rows: x}\n"
     "             ^"},
    {"a_part_of_an_object_that_is_not_there_is_refused",
     "features: {f: o.b}\n"
     "",
     NULL,
     "fn.yaml:7:15: 'o.b': the schema has no field 'b'; did you mean 'a'?\n"
     "  o.b\n"
     "  ^"},
    {"an_object_as_a_value_is_refused",
     "features: {f: o}\n"
     "",
     NULL,
     "fn.yaml:7:15: 'o' is an object; only a single value in it can be read\n"
     "  o\n"
     "  ^"},
    {"a_window_over_the_input_without_its_key_is_refused",
     "features: {f: count(*) over (partition by s range 1h preceding)}\n"
     "",
     NULL,
     "fn.yaml:7:15: this window looks at the input, whose topic is partitioned by k: without it in `partition by` (and in the input's key), events of one window are in several partitions. Put it there, or declare the same topic as a stream with `scope: global`\n"
     "  count(*) over (partition by s range 1h preceding)\n"
     "  ^"},
    {"a_window_over_a_stream_without_its_key_is_refused",
     STREAM "features: {f: sum(other.y) over (range 1h preceding)}\n"
            "",
     NULL,
     "fn.yaml:8:15: this window looks at stream 'other', whose topic is partitioned by k: without it in `partition by` (and in the input's key), events of one window are in several partitions. Put it there, or give the stream `scope: global`\n"
     "  sum(other.y) over (range 1h preceding)\n"
     "  ^"},
    {"an_unknown_window_is_refused",
     "windows: {hour: partition by k}\n"
     "features: {f: count(*) over huor}\n"
     "",
     NULL,
     "fn.yaml:8:29: there is no window 'huor'; the nearest name is 'hour'\n"
     "  count(*) over huor\n"
     "                ^"},
    {"a_window_that_is_none_is_refused",
     "windows: {w: partition k}\n"
     "",
     NULL,
     "fn.yaml:7:24: by was expected, and 'k' was met\n"
     "  partition k\n"
     "            ^"},
    {"a_window_text_cut_at_its_comma_is_refused_with_a_hint",
     "windows: {w: partition by k, s range 1h preceding}\n"
     "",
     NULL,
     "fn.yaml:7:50: windows.s range 1h preceding has no value; a text with a comma in it needs quotes within {}\n"
     "  windows: {w: partition by k, s range 1h preceding}\n"
     "                                                   ^"},
    {"an_unknown_column_of_a_stream_is_refused",
     GLOBAL "features: {f: sum(other.z) over (partition by s)}\n"
            "",
     NULL,
     "fn.yaml:8:19: there is no 'z' in stream 'other'; the nearest name is 's'\n"
     "  sum(other.z) over (partition by s)\n"
     "      ^"},
    {"a_lookup_by_another_type_is_refused",
     TABLE "features: {f: \"rows[n].v\"}\n"
           "",
     NULL,
     "fn.yaml:8:16: table 'rows' is looked up by 's', of type string, and 'n' is int\n"
     "  rows[n].v\n"
     "  ^"},
    {"a_lookup_by_too_many_values_is_refused",
     TABLE "features: {f: \"rows[s, k].v\"}\n"
           "",
     NULL,
     "fn.yaml:8:16: table 'rows' is looked up by s: 1 value in the brackets, not 2\n"
     "  rows[s, k].v\n"
     "  ^"},
    {"an_unknown_column_of_a_table_is_refused",
     TABLE "features: {f: \"rows[s].vv\"}\n"
           "",
     NULL,
     "fn.yaml:8:16: table 'rows': 'vv': the schema has no field 'vv'; did you mean 'v'?\n"
     "  rows[s].vv\n"
     "  ^"},
    {"a_lookup_by_a_feature_is_refused",
     TABLE "features: {g: n + 1, f: \"rows[cast(g as string)].v\"}\n"
           "",
     NULL,
     "fn.yaml:8:26: 'cast(g as string)' uses what is computed after lookups: features can not be part of their keys, but the columns that they are made of can\n"
     "  rows[cast(g as string)].v\n"
     "  ^"},
    {"a_lookup_inside_an_aggregate_is_refused",
     TABLE "features: {f: \"sum(rows[s].v) over (partition by k)\"}\n"
           "",
     NULL,
     "fn.yaml:8:20: a table can not be looked up inside an aggregate\n"
     "  sum(rows[s].v) over (partition by k)\n"
     "      ^"},
    {"a_score_without_a_model_is_refused",
     "output: {topic: a, value: {a: score}}\n"
     "",
     NULL,
     "fn.yaml:7:31: there is no 'score' in the output\n"
     "  score\n"
     "  ^"},
    {"a_filter_that_is_no_truth_is_refused", NULL,
     "function: f\n"
     "input:\n"
     "  topic: in\n"
     "  key: k\n"
     "  event_time: ts\n"
     "  schema: {k: string, ts: timestamp_ms, x: double, n: int, s: string, b: bool, o: {a: int}, l: [int], t: string}\n"
     "  filter: x + 1\n"
     "",
     "fn.yaml:7:11: 'x + 1' is a double, and a condition (bool) is needed here\n"
     "  x + 1\n"
     "  ^"},
    {"a_filter_over_a_window_is_refused", NULL,
     "function: f\n"
     "input:\n"
     "  topic: in\n"
     "  key: k\n"
     "  event_time: ts\n"
     "  schema: {k: string, ts: timestamp_ms, x: double, n: int, s: string, b: bool, o: {a: int}, l: [int], t: string}\n"
     "  filter: count(*) over (partition by k) > 1\n"
     "",
     "fn.yaml:7:11: an aggregate can not be used in the filter of input\n"
     "  count(*) over (partition by k) > 1\n"
     "  ^"},
    {"a_window_over_an_input_without_a_key_is_refused", NULL,
     "function: f\n"
     "input:\n"
     "  topic: in\n"
     "  event_time: ts\n"
     "  schema: {k: string, ts: timestamp_ms, x: double, n: int, s: string, b: bool, o: {a: int}, l: [int], t: string}\n"
     "features: {f: count(*) over (partition by k)}\n"
     "",
     "fn.yaml:6:15: a window over the input needs `input.key`, the field by which the topic is partitioned\n"
     "  count(*) over (partition by k)\n"
     "  ^"},
    {"a_partitioned_stream_beside_an_input_without_a_key_is_refused", NULL,
     "function: f\n"
     "input:\n"
     "  topic: in\n"
     "  event_time: ts\n"
     "  schema: {k: string, ts: timestamp_ms, x: double, n: int, s: string, b: bool, o: {a: int}, l: [int], t: string}\n"
     "streams: {other: {topic: other, key: k, event_time: ts, schema: {k: string, ts: timestamp_ms, y: double}}}\n"
     "",
     "fn.yaml:6:38: stream 'other' is partitioned by its key, and the input has none: name it in `input.key`, or give the stream `scope: global`\n"
     "  streams: {other: {topic: other, key: k, event_time: ts, schema: {k: string, ts: timestamp_ms, y: double}}}\n"
     "                                       ^"},
    {"labels_whose_key_the_input_lacks_are_refused",
     "labels: {topic: l, key: kk, event_time: ts, wait: 3d, value: v, schema: {kk: string, ts: timestamp, v: bool}}\n"
     "",
     NULL,
     "fn.yaml:7:25: labels are joined to the input by this key: 'kk': the schema has no field 'kk'; did you mean 'k'?\n"
     "  labels: {topic: l, key: kk, event_time: ts, wait: 3d, value: v, schema: {kk: string, ts: timestamp, v: bool}}\n"
     "                          ^"},
    {"labels_whose_key_has_another_type_are_refused",
     "labels: {topic: l, key: n, event_time: ts, wait: 3d, value: v, schema: {n: string, ts: timestamp, v: bool}}\n"
     "",
     NULL,
     "fn.yaml:7:25: 'n' is string in the labels and int in the input\n"
     "  labels: {topic: l, key: n, event_time: ts, wait: 3d, value: v, schema: {n: string, ts: timestamp, v: bool}}\n"
     "                          ^"},
    {"a_label_that_is_a_time_is_refused",
     "labels: {topic: l, key: k, event_time: ts, wait: 3d, value: ts, schema: {k: string, ts: timestamp, v: bool}}\n"
     "",
     NULL,
     "fn.yaml:7:61: a label is a bool or a number, and this is time\n"
     "  labels: {topic: l, key: k, event_time: ts, wait: 3d, value: ts, schema: {k: string, ts: timestamp, v: bool}}\n"
     "                                                              ^"},
    {"labels_without_a_schema_are_refused",
     "labels: {topic: l, key: k, event_time: ts, wait: 3d, value: v}\n"
     "",
     NULL,
     "fn.yaml:7:1: labels has no 'schema', which it needs\n"
     "  labels: {topic: l, key: k, event_time: ts, wait: 3d, value: v}\n"
     "  ^"},
    {"an_error_in_a_block_of_text_points_into_it",
     "features:\n"
     "  f: |\n"
     "    ln(\n"
     "     yy)\n"
     "",
     NULL,
     "fn.yaml:10:6: there is no 'yy' in features\n"
     "   yy)\n"
     "   ^"},
};

/* -- what is read ---------------------------------------------------------------------------------------------------- */

static void defaults_are_as_documented(void **state)
{
    (void)state;
    struct leat_function *f = loaded(INPUT);
    assert_string_equal(f->name, "f");
    assert_string_equal(f->file, "fn.yaml");
    assert_string_equal(f->registry, "models");
    assert_string_equal(f->control_topic, "f.control");
    assert_null(f->model_name);
    assert_null(f->output_topic);
    assert_null(f->decisions_topic);
    assert_null(f->dead_letter_topic);
    assert_int_equal(f->guarantee, LEAT_AT_LEAST_ONCE);
    assert_int_equal(f->commit_interval, 100000);
    assert_int_equal(f->event_age, 0);
    assert_null(f->model_output);
    const struct leat_source *input = &f->sources[0];
    assert_int_equal(f->source_count, 1);
    assert_int_equal(input->kind, LEAT_SOURCE_INPUT);
    assert_int_equal(input->format, LEAT_FORMAT_JSON);
    assert_int_equal(input->line, 2);
    assert_int_equal(input->grace, 30000000);
    assert_int_equal(input->max_ahead, 300000000);
    assert_false(input->global);
    assert_false(f->labels.present);
    leat_function_free(f);
}

static void every_key_of_the_input_goes_where_it_belongs(void **state)
{
    (void)state;
    struct leat_function *f = loaded("function: f\n"
                                     "kafka: {bootstrap.servers: 'a:1,b:2', enable.idempotence: true, "
                                     "auto.commit.interval.ms: 250}\n"
                                     "input:\n"
                                     "  topic: in\n"
                                     "  format: csv\n"
                                     "  key: [a, b.c]\n"
                                     "  event_time: at\n"
                                     "  grace: 0\n"
                                     "  max_ahead: 1h30m\n"
                                     "  filter: n > 3\n"
                                     "  schema: {a: string, b: {c: int, d: [{e: double}]}, at: timestamp_us, n: int}\n"
                                     "features: {f: 'b.d[2].e'}\n"
                                     "control: {topic: who}\n"
                                     "decisions: {topic: why}\n"
                                     "errors.deadletterqueue.topic.name: bad\n"
                                     "errors.tolerance: all\n"
                                     "processing.guarantee: exactly_once_v2\n"
                                     "limits: {event_age: 2m}\n");
    const struct leat_source *input = &f->sources[0];
    assert_int_equal(f->kafka_count, 3);
    assert_string_equal(f->kafka[0].name, "bootstrap.servers");
    assert_string_equal(f->kafka[0].value, "a:1,b:2");
    assert_string_equal(f->kafka[1].value, "true");
    assert_false(f->kafka[1].secret);
    assert_int_equal(f->commit_interval, 250000);
    assert_int_equal(input->format, LEAT_FORMAT_CSV);
    assert_int_equal(input->key_count, 2);
    assert_int_equal(input->projection.slots[input->key_slots[1]].type, LEAT_TYPE_INT);
    assert_int_equal(input->projection.slots[input->time_slot].encoding, LEAT_ENCODING_TIME_US);
    assert_int_equal(input->grace, 0);
    assert_int_equal(input->max_ahead, 5400000000);
    assert_string_equal(leat_expr_text(input->filter), "n > 3");
    assert_int_equal(input->schema.count, 4);
    assert_int_equal(input->schema.fields[1].kind, LEAT_FIELD_OBJECT);
    assert_int_equal(input->schema.fields[1].children[1].kind, LEAT_FIELD_LIST);
    assert_int_equal(input->schema.fields[1].children[1].children[0].kind, LEAT_FIELD_OBJECT);
    assert_string_equal(f->control_topic, "who");
    assert_string_equal(f->decisions_topic, "why");
    assert_string_equal(f->dead_letter_topic, "bad");
    assert_int_equal(f->guarantee, LEAT_EXACTLY_ONCE);
    assert_int_equal(f->event_age, 120000000);
    leat_function_free(f);
}

static void streams_and_tables_come_behind_the_input_as_declared(void **state)
{
    (void)state;
    struct leat_function *f = loaded(
        INPUT
        "tables:\n"
        "  rows: {topic: t.rows, key: s, event_time: at, ttl: 2d, schema: {s: string, at: timestamp, v: int}}\n"
        "streams:\n"
        "  own: {topic: t.own, key: k, event_time: ts, schema: {k: string, ts: timestamp_s},\n"
        "        freshness: {warn_after: 1m, error_after: 2m}}\n"
        "  all: {topic: t.all, scope: global, event_time: ts, schema: {ts: timestamp_s, up: bool}, heartbeat: up}\n");
    assert_int_equal(f->source_count, 4);
    assert_string_equal(f->sources[1].name, "own");
    assert_int_equal(f->sources[1].kind, LEAT_SOURCE_STREAM);
    assert_int_equal(f->sources[1].warn_after, 60000000);
    assert_int_equal(f->sources[1].error_after, 120000000);
    assert_false(f->sources[1].global);
    assert_string_equal(f->sources[2].name, "all");
    assert_true(f->sources[2].global);
    assert_string_equal(leat_expr_text(f->sources[2].heartbeat), "up");
    assert_string_equal(f->sources[3].name, "rows");
    assert_int_equal(f->sources[3].kind, LEAT_SOURCE_TABLE);
    assert_true(f->sources[3].global);
    assert_int_equal(f->sources[3].table.ttl, 2 * 86400000000);
    assert_int_equal(leat_function_source(f, "all"), 2);
    assert_int_equal(leat_function_source(f, "t.rows"), 3);
    assert_int_equal(leat_function_source(f, "input"), 0);
    assert_int_equal(leat_function_source(f, "none"), -1);
    leat_function_free(f);
}

static void secrets_come_from_the_environment_and_from_files_beside_the_function(void **state)
{
    (void)state;
    char folder[] = "/tmp/leat-load-XXXXXX";
    char path[128], fn[128];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/password", folder);
    snprintf(fn, sizeof fn, "%s/fn.yaml", folder);
    FILE *file = fopen(path, "w");
    fputs("top$ecret\n", file);
    fclose(file);
    file = fopen(fn, "w");
    fputs(INPUT "kafka:\n"
                "  sasl.password: ${file:password}\n"
                "  sasl.username: \"me-${LEAT_TEST_SECRET}!\"\n"
                "  client.id: a$$b$c\n"
                "model: {name: m, registry: there}\n"
                "features: {x: x}\n",
          file);
    fclose(file);
    struct leat_error err = {0};
    struct leat_function *f = NULL;
    if (leat_function_load(fn, &f, &err) < 0)
        fail_msg("%s", err.text);
    unlink(path);
    unlink(fn);
    rmdir(folder);
    assert_string_equal(f->kafka[0].value, "top$ecret");
    assert_true(f->kafka[0].secret);
    assert_string_equal(f->kafka[1].value, "me-hunter two!");
    assert_true(f->kafka[1].secret);
    assert_string_equal(f->kafka[2].value, "a$b$c");
    assert_false(f->kafka[2].secret);
    snprintf(path, sizeof path, "%s/there", folder);
    assert_string_equal(f->registry, path);
    leat_function_free(f);
}

static void the_digest_is_that_of_the_text_as_written(void **state)
{
    (void)state;
    struct leat_function *a = loaded(INPUT "kafka: {a: '${LEAT_TEST_SECRET}'}\n");
    setenv("LEAT_TEST_SECRET", "another", 1);
    struct leat_function *b = loaded(INPUT "kafka: {a: '${LEAT_TEST_SECRET}'}\n");
    struct leat_function *c = loaded(INPUT "kafka: {a: '${LEAT_TEST_SECRET}' }\n");
    setenv("LEAT_TEST_SECRET", "hunter two", 1);
    assert_int_equal(strlen(a->digest), LEAT_DIGEST_TEXT - 1);
    assert_string_equal(a->digest, b->digest);
    assert_string_not_equal(a->digest, c->digest);
    leat_function_free(a);
    leat_function_free(b);
    leat_function_free(c);
}

static size_t slot_of(const struct leat_function *f, size_t feature)
{
    size_t slot = 0;
    assert_true(leat_expr_is_slot(f->features[feature].expr, &slot));
    return slot;
}

static void aggregates_that_are_equal_share_what_they_remember(void **state)
{
    (void)state;
    struct leat_function *f = loaded(INPUT "windows: {hour: 'partition by k range 1h preceding'}\n"
                                           "features:\n"
                                           "  a: sum(x) over hour\n"
                                           "  bb: sum( x ) over (partition by k range 60m preceding)\n"
                                           "  c: avg(x) over (partition by k range 2h preceding)\n"
                                           "  d: count(*) over hour\n"
                                           "  e: count(*) filter (where b) over hour\n"
                                           "  g: sum(x) filter (where b) over hour\n"
                                           "  h: count(x) over (partition by k, s)\n");
    assert_int_equal(slot_of(f, 0), slot_of(f, 1));
    assert_int_equal(f->window_count, 2);
    const struct leat_function_window *one = &f->windows[0], *two = &f->windows[1];
    assert_int_equal(one->source, 0);
    assert_false(one->global);
    assert_int_equal(one->key_count, 1);
    assert_int_equal(one->key_types[0], LEAT_TYPE_STRING);
    assert_int_equal(one->plan.aggregate_count, 5);
    assert_int_equal(one->plan.column_count, 3); /* x; 1 where b; x where b */
    assert_int_equal(one->plan.columns[0], LEAT_TYPE_DOUBLE);
    assert_int_equal(one->plan.columns[1], LEAT_TYPE_INT);
    assert_null(one->columns[1].argument);
    assert_string_equal(leat_expr_text(one->columns[2].filter), "b");
    assert_int_equal(one->plan.aggregates[0].kind, LEAT_AGGREGATE_SUM);
    assert_int_equal(one->plan.aggregates[1].range, 7200000000);
    assert_int_equal(one->plan.aggregates[2].column, -1);
    assert_int_equal(one->range_max, 7200000000);
    assert_int_equal(two->key_count, 2);
    assert_int_equal(two->range_max, LEAT_RANGE_NONE);
    assert_int_equal(two->frame_slot, one->frame_slot + 5);
    leat_function_free(f);
}

static void the_frame_holds_columns_aggregates_lookups_features_and_results_in_this_order(void **state)
{
    (void)state;
    struct leat_function *f = loaded(INPUT TABLE "features:\n"
                                                 "  a: rows[s].v\n"
                                                 "  bb: rows[rows[s].u].w + rows[t].v\n"
                                                 "  c: count(*) over (partition by k range 1h preceding)\n"
                                                 "  d: a + n\n"
                                                 "output: {topic: out, value: {d: d, k: k, at: ts, m: marks}}\n");
    size_t columns = f->sources[0].projection.count;
    assert_int_equal(columns, 5); /* k, ts, s, t, n */
    assert_int_equal(f->frame_aggregates, columns);
    assert_int_equal(f->frame_lookups, columns + 1);
    assert_int_equal(f->lookup_count, 3);
    assert_int_equal(f->sources[1].table.column_count, 3); /* v, u, w: each lookup has all */
    assert_int_equal(f->frame_features, columns + 1 + 9);
    assert_int_equal(f->frame_results, columns + 1 + 9 + 4);
    assert_int_equal(f->frame_size, f->frame_results + LEAT_RESULT_SLOTS + f->answer_count);
    for (size_t i = 0; i < f->lookup_count; i++)
        assert_int_equal(f->lookups[i].frame_slot, f->frame_lookups + 3 * i);
    assert_string_equal(leat_expr_text(f->lookups[0].keys[0]), "s");
    assert_string_equal(leat_expr_text(f->lookups[1].keys[0]), "rows[s].u");
    assert_string_equal(leat_expr_text(f->lookups[2].keys[0]), "t");
    assert_int_equal(slot_of(f, 0), f->frame_lookups);
    assert_int_equal(slot_of(f, 2), f->frame_aggregates);
    size_t slot;
    assert_true(leat_expr_is_slot(f->outputs[0].expr, &slot));
    assert_int_equal(slot, f->frame_features + 3);
    assert_true(leat_expr_is_slot(f->outputs[3].expr, &slot));
    assert_int_equal(slot, f->frame_results + LEAT_RESULT_MARKS);
    assert_int_equal(f->outputs[2].field.type, LEAT_TYPE_TIME);
    assert_int_equal(f->outputs[2].field.encoding, LEAT_ENCODING_TIME_MS);
    leat_function_free(f);
}

static void the_key_of_a_lookup_may_be_an_aggregate(void **state)
{
    (void)state;
    struct leat_function *f = loaded(
        INPUT GLOBAL TABLE "features: {f: 'rows[last(other.s) over (partition by s range 2h preceding)].v'}\n");
    assert_int_equal(f->window_count, 1);
    assert_true(f->windows[0].global);
    assert_int_equal(f->lookup_count, 1);
    leat_function_free(f);
}

static void a_feature_may_use_those_above_it_and_repeat_a_column(void **state)
{
    (void)state;
    struct leat_function *f = loaded(INPUT "features: {x: x, y: x * 2, 'odd name': y + 1, z: '\"odd name\" + y'}\n");
    assert_int_equal(f->feature_count, 4);
    assert_string_equal(f->features[2].name, "odd name");
    assert_true(leat_expr_reads(f->features[3].expr, f->frame_features + 2, f->frame_features + 3));
    assert_true(leat_expr_reads(f->features[3].expr, f->frame_features + 1, f->frame_features + 2));
    assert_false(leat_expr_reads(f->features[3].expr, f->frame_features, f->frame_features + 1));
    assert_int_equal(f->features[0].line, 7);
    leat_function_free(f);
}

static void a_feature_may_hide_the_column_that_it_is_made_from(void **state)
{
    (void)state;
    struct leat_function *f = loaded(
        INPUT "features: {above: x, x: x + 1, below: x, inside: sum(x) over (partition by k range 1h preceding)}\n"
              "output: {topic: out, value: {x: x}}\n");
    assert_false(leat_expr_reads(f->features[0].expr, f->frame_features, SIZE_MAX));
    assert_false(leat_expr_reads(f->features[1].expr, f->frame_features, SIZE_MAX));
    assert_true(leat_expr_reads(f->features[2].expr, f->frame_features + 1, f->frame_features + 2));
    assert_false(leat_expr_reads(f->features[2].expr, 0, f->frame_features));
    assert_false(leat_expr_reads(f->windows[0].columns[0].argument, f->frame_features, SIZE_MAX));
    assert_true(leat_expr_reads(f->outputs[0].expr, f->frame_features + 1, f->frame_features + 2));
    leat_function_free(f);
}

static void the_key_of_a_window_is_the_column_that_a_feature_hides(void **state)
{
    (void)state;
    struct leat_function *f = loaded(INPUT "windows: {w: partition by k range 1h preceding}\n"
                                           "features: {a: count(*) over w, k: upper(k), b: count(*) over w}\n");
    assert_int_equal(f->window_count, 1);
    assert_false(leat_expr_reads(f->windows[0].input_key[0], f->frame_aggregates, SIZE_MAX));
    leat_function_free(f);
}

static void a_model_gives_the_output_its_results(void **state)
{
    (void)state;
    struct leat_function *f = loaded(INPUT "features: {x: x}\n"
                                           "model: {name: m, max_age: 30d, on_stale: fallback, fallback: n, output: 1}\n"
                                           "output:\n"
                                           "  topic: out\n"
                                           "  meta: about\n"
                                           "  value: {s: score, by: model.name, at: model.version, as: model.role, "
                                           "yes: score >= model.threshold}\n");
    assert_string_equal(f->model_name, "m");
    assert_string_equal(f->fallback_name, "n");
    assert_int_equal(f->on_stale, LEAT_STALE_FALLBACK);
    assert_int_equal(f->model_max_age, 30 * 86400000000);
    assert_string_equal(f->model_output, "1");
    assert_string_equal(f->output_meta, "about");
    assert_int_equal(f->output_count, 5);
    assert_int_equal(f->outputs[4].field.type, LEAT_TYPE_BOOL);
    leat_function_free(f);
}

static void outputs_name_numbers_of_the_answer_each_once(void **state)
{
    (void)state;
    size_t slot;
    struct leat_function *f = loaded(INPUT "model: {name: m, output: 'probability[a]'}\n"
                                           "features: {x: x, s: s}\n"
                                           "output:\n"
                                           "  topic: out\n"
                                           "  value:\n"
                                           "    a: outputs['probability[it''s]']\n"
                                           "    b: 1 + outputs['probability[it''s]'] * outputs[2]\n"
                                           "    c: margin\n"
                                           "    d: class\n"
                                           "    all: outputs\n"
                                           "    why: reasons\n"
                                           "    more: reasons ( 5 )\n");
    assert_string_equal(f->model_output, "probability[a]");
    assert_int_equal(f->features[1].type, LEAT_TYPE_STRING);
    assert_int_equal(f->answer_count, 2);
    assert_string_equal(f->answers[0], "probability[it's]");
    assert_string_equal(f->answers[1], "2");
    assert_true(leat_expr_is_slot(f->outputs[0].expr, &slot));
    assert_int_equal(slot, f->frame_results + LEAT_RESULT_SLOTS);
    assert_string_equal(leat_expr_text(f->outputs[1].expr), "1 + outputs['probability[it''s]'] * outputs[2]");
    assert_true(leat_expr_is_slot(f->outputs[2].expr, &slot));
    assert_int_equal(slot, f->frame_results + LEAT_RESULT_MARGIN);
    assert_int_equal(f->outputs[3].field.type, LEAT_TYPE_STRING);
    assert_true(f->uses_class);
    assert_int_equal(f->outputs[4].kind, LEAT_OUTPUT_LIST);
    assert_true(f->uses_list);
    assert_int_equal(f->outputs[5].kind, LEAT_OUTPUT_REASONS);
    assert_int_equal(f->outputs[5].reasons, 3);
    assert_int_equal(f->outputs[6].reasons, 5);
    assert_int_equal(f->reason_count, 5);
    leat_function_free(f);
}

static void a_column_or_feature_comes_before_what_the_model_says_beside_the_score(void **state)
{
    (void)state;
    size_t slot;
    struct leat_function *f = loaded(
        "function: f\n"
        "input: {topic: in, event_time: ts, schema: {ts: timestamp_ms, class: string, outputs: [double], "
        "x: double}}\n"
        "model: {name: m}\n"
        "features: {margin: x + 1, reasons: x + 2}\n"
        "output: {topic: out, value: {a: margin, b: class, c: \"outputs[0]\", d: reasons}}\n");
    assert_true(leat_expr_is_slot(f->outputs[0].expr, &slot));
    assert_int_equal(slot, f->frame_features);
    assert_true(leat_expr_is_slot(f->outputs[1].expr, &slot));
    assert_true(slot < f->frame_features);
    assert_false(f->uses_class);
    assert_int_equal(f->answer_count, 0);
    assert_true(leat_expr_is_slot(f->outputs[3].expr, &slot));
    assert_int_equal(slot, f->frame_features + 1);
    leat_function_free(f);
}

static void meta_can_be_switched_off_and_csv_has_none(void **state)
{
    (void)state;
    struct leat_function *f = loaded(INPUT "output: {topic: out, meta: none, value: {x: x}}\n");
    assert_null(f->output_meta);
    leat_function_free(f);
    f = loaded(INPUT "output: {topic: out, format: csv, value: {x: x}}\n");
    assert_null(f->output_meta);
    leat_function_free(f);
}

static void labels_are_joined_by_a_field_of_both(void **state)
{
    (void)state;
    struct leat_function *f = loaded(INPUT "labels: {topic: l, key: n, event_time: at, wait: 3d, value: v >= 2,\n"
                                           "  schema: {v: int, n: int, at: timestamp_s}}\n");
    assert_true(f->labels.present);
    assert_string_equal(f->labels.source.topic, "l");
    assert_string_equal(f->labels.source.name, "labels");
    assert_int_equal(f->labels.wait, 3 * 86400000000);
    assert_int_equal(leat_expr_type(f->labels.value), LEAT_TYPE_BOOL);
    assert_true(leat_bytes_is(f->labels.source.projection.slots[f->labels.key_slot].path, "n"));
    assert_true(leat_bytes_is(f->sources[0].projection.slots[f->labels.input_slot].path, "n"));
    assert_int_equal(f->labels.source.time_slot, 1);
    leat_function_free(f);
}

static void windows_over_a_stream_have_the_inputs_key(void **state)
{
    (void)state;
    struct leat_function *f = loaded(INPUT STREAM
                                     "features: {f: 'sum(other.y) over (partition by k range 1h preceding)', "
                                     "g: 'sum(other.y) filter (where other.y > 1) over (partition by k)'}\n");
    assert_int_equal(f->window_count, 1);
    assert_int_equal(f->windows[0].source, 1);
    assert_false(f->windows[0].global);
    assert_int_equal(f->windows[0].range_max, LEAT_RANGE_NONE);
    leat_function_free(f);
}

static void errors_need_no_place_to_go(void **state)
{
    (void)state;
    struct leat_function *f = NULL;
    assert_int_equal(leat_function_parse("fn.yaml", leat_bytes_of(INPUT "features: {f: xx}\n"), &f, NULL), -1);
    assert_int_equal(leat_function_parse("fn.yaml", leat_bytes_of("a"), &f, NULL), -1);
    assert_int_equal(leat_function_load("/nowhere/fn.yaml", &f, NULL), -1);
    leat_function_free(NULL);
    assert_null(f);
}

static void every_option_says_what_it_is_for(void **state)
{
    (void)state;
    const struct leat_option_help *option;
    size_t count = 0;
    for (; (option = leat_function_option(count)); count++) {
        assert_true(option->path[0] != '\0');
        assert_true(option->type[0] != '\0');
        assert_non_null(option->standard);
        assert_true(strlen(option->summary) > 5);
    }
    assert_true(count > 50);
}

static void the_demos_function_is_read(void **state)
{
    (void)state;
    char path[4096];
    const char *root = getenv("LEAT_ROOT");
    struct leat_error err = {0};
    struct leat_function *f = NULL;
    snprintf(path, sizeof path, "%s/examples/flights/flights.yaml", root ? root : ".");
    if (leat_function_load(path, &f, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(f->feature_count, 20);
    assert_int_equal(f->window_count, 7);
    assert_int_equal(f->lookup_count, 2);
    leat_function_free(f);
}

int main(void)
{
    setenv("LEAT_TEST_SECRET", "hunter two", 1);
    unsetenv("LEAT_TEST_NONE");
    const struct CMUnitTest readings[] = {
        cmocka_unit_test(defaults_are_as_documented),
        cmocka_unit_test(every_key_of_the_input_goes_where_it_belongs),
        cmocka_unit_test(streams_and_tables_come_behind_the_input_as_declared),
        cmocka_unit_test(secrets_come_from_the_environment_and_from_files_beside_the_function),
        cmocka_unit_test(the_digest_is_that_of_the_text_as_written),
        cmocka_unit_test(aggregates_that_are_equal_share_what_they_remember),
        cmocka_unit_test(the_frame_holds_columns_aggregates_lookups_features_and_results_in_this_order),
        cmocka_unit_test(the_key_of_a_lookup_may_be_an_aggregate),
        cmocka_unit_test(a_feature_may_use_those_above_it_and_repeat_a_column),
        cmocka_unit_test(a_feature_may_hide_the_column_that_it_is_made_from),
        cmocka_unit_test(the_key_of_a_window_is_the_column_that_a_feature_hides),
        cmocka_unit_test(a_model_gives_the_output_its_results),
        cmocka_unit_test(outputs_name_numbers_of_the_answer_each_once),
        cmocka_unit_test(a_column_or_feature_comes_before_what_the_model_says_beside_the_score),
        cmocka_unit_test(meta_can_be_switched_off_and_csv_has_none),
        cmocka_unit_test(labels_are_joined_by_a_field_of_both),
        cmocka_unit_test(windows_over_a_stream_have_the_inputs_key),
        cmocka_unit_test(errors_need_no_place_to_go),
        cmocka_unit_test(every_option_says_what_it_is_for),
        cmocka_unit_test(the_demos_function_is_read),
    };
    struct CMUnitTest tests[COUNT(refusals) + COUNT(readings)];
    size_t count = 0;
    for (size_t i = 0; i < COUNT(readings); i++)
        tests[count++] = readings[i];
    for (size_t i = 0; i < COUNT(refusals); i++)
        tests[count++] = (struct CMUnitTest){
            .name = refusals[i].name,
            .test_func = is_refused,
            .initial_state = (void *)(uintptr_t)&refusals[i],
        };
    return _cmocka_run_group_tests("function_load", tests, count, NULL, NULL);
}
