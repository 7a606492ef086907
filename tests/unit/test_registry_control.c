#include "registry/control.h"

#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1372636800) * LEAT_SECOND)

static const struct leat_control_event *feed(struct leat_control *control, int64_t offset, const char *text)
{
    return leat_control_feed(control, offset, leat_bytes_of(text));
}

/* Feeds a role record for the model "fraud" that names `predecessor`. */
static const struct leat_control_event *act_after(struct leat_control *control, int64_t offset, int64_t predecessor,
                                                  enum leat_role_action action, uint32_t version, bool forced)
{
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_role_record record = {.time = T0 + offset * LEAT_HOUR,
                                      .by = "ada",
                                      .why = "it is better",
                                      .action = action,
                                      .model = "fraud",
                                      .version = version,
                                      .digest = "00112233445566778899aabbccddeeff",
                                      .predecessor = predecessor,
                                      .forced = forced};
    assert_int_equal(leat_role_record_put(&record, &text), 0);
    return leat_control_feed(control, offset, leat_buffer_view(&text));
}

static const struct leat_control_event *act(struct leat_control *control, int64_t offset, enum leat_role_action action,
                                            uint32_t version)
{
    return act_after(control, offset, leat_control_roles(control)->last, action, version, false);
}

static void assert_roles(const struct leat_control *control, uint32_t champion, uint32_t previous, const char *shadows)
{
    const struct leat_roles *roles = leat_control_roles(control);
    char text[100] = "";
    for (size_t i = 0; i < roles->shadow_count; i++)
        sprintf(text + strlen(text), "%s%u", i ? " " : "", roles->shadows[i].version);
    assert_int_equal(roles->champion.version, champion);
    assert_int_equal(roles->previous.version, previous);
    assert_string_equal(text, shadows);
}

static void an_empty_log_has_nobody_and_lets_the_newest_version_enter_as_a_shadow(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    struct leat_roles lineup;
    assert_roles(control, 0, 0, "");
    assert_int_equal(leat_control_roles(control)->last, -1);
    leat_control_lineup(control, 3, &lineup);
    assert_int_equal(lineup.champion.version, 0);
    assert_int_equal(lineup.shadow_count, 1);
    assert_int_equal(lineup.shadows[0].version, 3);
    assert_true(lineup.shadows[0].since == LEAT_TIME_NONE);
    assert_string_equal(lineup.shadows[0].why, "the newest version, as nobody has been given a role yet");
    leat_control_lineup(control, 0, &lineup);
    assert_int_equal(lineup.shadow_count, 0);
    leat_control_free(control);
    leat_control_free(NULL);
}

static void the_rule_for_an_empty_log_ends_with_the_first_accepted_record(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    struct leat_roles lineup;
    assert_int_equal(feed(control, 0, "{\"v\":1,\"type\":\"other\"}")->kind, LEAT_CONTROL_UNKNOWN);
    leat_control_lineup(control, 2, &lineup);
    assert_int_equal(lineup.shadow_count, 1);
    assert_int_equal(act(control, 1, LEAT_ROLE_PROMOTE, 1)->kind, LEAT_CONTROL_ACCEPTED);
    leat_control_lineup(control, 2, &lineup);
    assert_int_equal(lineup.shadow_count, 0);
    assert_int_equal(lineup.champion.version, 1);
    leat_control_free(control);
}

static void a_promotion_makes_the_champion_previous_and_takes_the_version_from_the_shadows(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    assert_int_equal(act(control, 0, LEAT_ROLE_PROMOTE, 1)->kind, LEAT_CONTROL_ACCEPTED);
    assert_roles(control, 1, 0, "");
    act(control, 1, LEAT_ROLE_SHADOW, 2);
    act(control, 5, LEAT_ROLE_SHADOW, 3);
    assert_roles(control, 1, 0, "2 3");
    assert_int_equal(act(control, 6, LEAT_ROLE_PROMOTE, 2)->kind, LEAT_CONTROL_ACCEPTED);
    assert_roles(control, 2, 1, "3");
    const struct leat_role *champion = &leat_control_roles(control)->champion;
    assert_true(champion->since == T0 + 6 * LEAT_HOUR);
    assert_int_equal(champion->offset, 6);
    assert_string_equal(champion->by, "ada");
    assert_string_equal(champion->why, "it is better");
    assert_int_equal(leat_control_roles(control)->last, 6);
    leat_control_free(control);
}

static void a_rollback_swaps_champion_and_previous_and_may_be_taken_back(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    act(control, 0, LEAT_ROLE_PROMOTE, 1);
    act(control, 1, LEAT_ROLE_PROMOTE, 2);
    assert_int_equal(act(control, 2, LEAT_ROLE_ROLLBACK, 0)->kind, LEAT_CONTROL_ACCEPTED);
    assert_roles(control, 1, 2, "");
    assert_int_equal(act(control, 3, LEAT_ROLE_ROLLBACK, 2)->kind, LEAT_CONTROL_ACCEPTED);
    assert_roles(control, 2, 1, "");
    leat_control_free(control);
}

static void the_previous_version_may_be_watched_as_a_shadow_and_leaves_them_when_it_comes_back(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    act(control, 0, LEAT_ROLE_PROMOTE, 1);
    act(control, 1, LEAT_ROLE_PROMOTE, 2);
    assert_int_equal(act(control, 2, LEAT_ROLE_SHADOW, 1)->kind, LEAT_CONTROL_ACCEPTED);
    assert_roles(control, 2, 1, "1");
    act(control, 3, LEAT_ROLE_ROLLBACK, 0);
    assert_roles(control, 1, 2, "");
    leat_control_free(control);
}

static void retiring_takes_a_version_out_of_every_role(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    act(control, 0, LEAT_ROLE_PROMOTE, 1);
    act(control, 1, LEAT_ROLE_PROMOTE, 2);
    act(control, 2, LEAT_ROLE_SHADOW, 1);
    assert_int_equal(act(control, 3, LEAT_ROLE_RETIRE, 1)->kind, LEAT_CONTROL_ACCEPTED);
    assert_roles(control, 2, 0, "");
    const struct leat_control_event *event = act(control, 4, LEAT_ROLE_RETIRE, 1);
    assert_int_equal(event->kind, LEAT_CONTROL_IGNORED);
    assert_string_equal(event->reason, "version 1 has no role");
    leat_control_free(control);
}

static void the_champion_is_retired_only_by_force_and_then_nobody_serves(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    act(control, 0, LEAT_ROLE_PROMOTE, 1);
    act(control, 1, LEAT_ROLE_PROMOTE, 2);
    const struct leat_control_event *event = act(control, 2, LEAT_ROLE_RETIRE, 2);
    assert_int_equal(event->kind, LEAT_CONTROL_IGNORED);
    assert_string_equal(event->reason,
                        "version 2 is the champion: promote another one or roll back first (forced, nobody "
                        "would serve)");
    assert_int_equal(act_after(control, 3, 1, LEAT_ROLE_RETIRE, 2, true)->kind, LEAT_CONTROL_ACCEPTED);
    assert_roles(control, 0, 1, "");
    assert_int_equal(act(control, 4, LEAT_ROLE_PROMOTE, 1)->kind, LEAT_CONTROL_ACCEPTED);
    assert_roles(control, 1, 0, "");
    leat_control_free(control);
}

static void of_two_operators_at_once_the_second_is_ignored_with_its_reason(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    act(control, 0, LEAT_ROLE_PROMOTE, 1);
    assert_int_equal(act_after(control, 1, 0, LEAT_ROLE_PROMOTE, 2, false)->kind, LEAT_CONTROL_ACCEPTED);
    const struct leat_control_event *event = act_after(control, 2, 0, LEAT_ROLE_PROMOTE, 3, true);
    assert_int_equal(event->kind, LEAT_CONTROL_IGNORED);
    assert_string_equal(event->reason, "it follows the record at offset 0, and the last accepted one is at 1: another "
                                       "change came first");
    assert_int_equal(event->role.version, 3);
    assert_roles(control, 2, 1, "");
    /* An ignored record is nobody's predecessor. */
    assert_int_equal(act_after(control, 3, 2, LEAT_ROLE_PROMOTE, 3, false)->kind, LEAT_CONTROL_IGNORED);
    assert_int_equal(act_after(control, 4, 1, LEAT_ROLE_PROMOTE, 3, false)->kind, LEAT_CONTROL_ACCEPTED);
    leat_control_free(control);
}

static void a_change_that_the_roles_do_not_allow_is_ignored_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        enum leat_role_action action;
        uint32_t version;
        const char *reason;
    } cases[] = {
        {LEAT_ROLE_SHADOW, 1, "version 1 is the champion, and can not be a shadow too"},
        {LEAT_ROLE_SHADOW, 2, "version 2 is a shadow already"},
        {LEAT_ROLE_SHADOW, 0, "it names no version"},
        {LEAT_ROLE_PROMOTE, 1, "version 1 is the champion already"},
        {LEAT_ROLE_ROLLBACK, 0, "there is no previous version to roll back to"},
        {LEAT_ROLE_RETIRE, 7, "version 7 has no role"},
    };
    struct leat_control *control = leat_control_new("fraud");
    act(control, 0, LEAT_ROLE_PROMOTE, 1);
    act(control, 1, LEAT_ROLE_SHADOW, 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct leat_control_event *event = act(control, 2 + (int64_t)i, cases[i].action, cases[i].version);
        assert_int_equal(event->kind, LEAT_CONTROL_IGNORED);
        assert_string_equal(event->reason, cases[i].reason);
        assert_int_equal(leat_control_roles(control)->last, 1);
    }
    act(control, 20, LEAT_ROLE_PROMOTE, 2);
    assert_string_equal(act(control, 21, LEAT_ROLE_ROLLBACK, 2)->reason,
                        "version 2 is not the previous one, which is 1");
    leat_control_free(control);
}

static void there_are_at_most_eight_shadows(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    for (int64_t i = 0; i < LEAT_SHADOWS_MAX; i++)
        assert_int_equal(act(control, i, LEAT_ROLE_SHADOW, (uint32_t)i + 1)->kind, LEAT_CONTROL_ACCEPTED);
    assert_string_equal(act(control, 8, LEAT_ROLE_SHADOW, 9)->reason,
                        "there are 8 shadows already, the most that there may be");
    act(control, 9, LEAT_ROLE_RETIRE, 4);
    assert_int_equal(act(control, 10, LEAT_ROLE_SHADOW, 9)->kind, LEAT_CONTROL_ACCEPTED);
    assert_roles(control, 0, 0, "1 2 3 5 6 7 8 9");
    leat_control_free(control);
}

static void a_record_about_another_model_is_a_link_of_the_chain_without_effect_on_this_one(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud-static");
    assert_int_equal(act(control, 0, LEAT_ROLE_PROMOTE, 1)->kind, LEAT_CONTROL_ACCEPTED);
    assert_int_equal(act(control, 1, LEAT_ROLE_PROMOTE, 1)->kind, LEAT_CONTROL_ACCEPTED);
    assert_roles(control, 0, 0, "");
    assert_int_equal(leat_control_roles(control)->last, 1);
    leat_control_free(control);
}

static void an_applied_record_is_read_back_and_changes_nothing(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_applied_record record = {
        .control_offset = 4, .partition = 2, .input_offset = 12345678901, .time = T0 + 1500, .micros = 87};
    act(control, 0, LEAT_ROLE_PROMOTE, 1);
    leat_applied_record_put(&record, &text);
    assert_string_equal(leat_buffer_text(&text),
                        "{\"v\":1,\"type\":\"applied\",\"time\":1372636800001.500,\"control_offset\":4,\"partition\":2,"
                        "\"input_offset\":12345678901,\"micros\":87}");
    const struct leat_control_event *event = leat_control_feed(control, 1, leat_buffer_view(&text));
    assert_int_equal(event->kind, LEAT_CONTROL_APPLIED);
    assert_int_equal(event->applied.control_offset, 4);
    assert_int_equal(event->applied.partition, 2);
    assert_true(event->applied.input_offset == record.input_offset && event->applied.time == record.time);
    assert_int_equal(event->applied.micros, 87);
    record.time = LEAT_TIME_NONE; /* over files, before the first event */
    leat_buffer_reset(&text);
    leat_applied_record_put(&record, &text);
    assert_non_null(strstr(leat_buffer_text(&text), "\"time\":null,"));
    event = leat_control_feed(control, 2, leat_buffer_view(&text));
    assert_int_equal(event->kind, LEAT_CONTROL_APPLIED);
    assert_true(event->applied.time == LEAT_TIME_NONE);
    assert_int_equal(leat_control_roles(control)->last, 0);
    leat_control_free(control);
}

static void a_role_record_is_written_as_documented_and_read_back_whole(void **state)
{
    (void)state;
    struct leat_control *control = leat_control_new("fraud");
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_role_record record = {.time = T0,
                                      .by = "ada \"lovelace\"",
                                      .why = "log loss 0.41 → 0.40",
                                      .action = LEAT_ROLE_PROMOTE,
                                      .model = "fraud",
                                      .version = 3,
                                      .digest = "d1",
                                      .predecessor = -1,
                                      .forced = true,
                                      .evidence = leat_bytes_of("{\"labelled\":7,\"verdict\":\"worse\"}")};
    leat_role_record_put(&record, &text);
    assert_string_equal(leat_buffer_text(&text),
                        "{\"v\":1,\"type\":\"role\",\"time\":1372636800000,\"by\":\"ada \\\"lovelace\\\"\","
                        "\"why\":\"log loss 0.41 → 0.40\",\"action\":\"promote\",\"model\":\"fraud\",\"version\":3,"
                        "\"digest\":\"d1\",\"predecessor\":-1,\"forced\":true,"
                        "\"evidence\":{\"labelled\":7,\"verdict\":\"worse\"}}");
    const struct leat_control_event *event = leat_control_feed(control, 0, leat_buffer_view(&text));
    assert_int_equal(event->kind, LEAT_CONTROL_ACCEPTED);
    assert_string_equal(event->reason, "");
    assert_string_equal(event->role.by, record.by);
    assert_string_equal(event->role.why, record.why);
    assert_string_equal(event->role.digest, "d1");
    assert_true(event->role.forced);
    assert_true(leat_bytes_equal(event->role.evidence, record.evidence));
    int64_t time;
    assert_int_equal(leat_control_time(leat_buffer_view(&text), &time), 0);
    assert_true(time == T0);
    leat_control_free(control);
}

static void any_bytes_are_taken_and_what_is_no_record_is_told_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"{\"v\":1}", "a control record without 'type'"},
        {"{\"type\":\"role\"}", "a control record without 'v'"},
        {"[]", "a control record without 'v'"},
        {"{\"v\":1,\"type\":\"pause\"}", "'pause' is no type that this program knows: role, applied"},
        {"{\"v\":2,\"type\":\"role\"}", "it is of version 2; this program reads version 1"},
        {"{\"v\":1,\"type\":\"role\",\"time\":0,\"by\":\"a\",\"why\":7}",
         "a control record whose 'why' is not a string (integer)"},
        {"{\"v\":1,\"type\":\"role\",\"time\":0,\"by\":\"a\",\"why\":\"b\",\"action\":\"fire\"}",
         "'fire' is no action: shadow, promote, rollback, retire"},
        {"{\"v\":1,\"type\":\"role\",\"time\":1e300,\"by\":\"a\",\"why\":\"b\"}",
         "a control record whose 'time' is not between the years 1 and 9999"},
        {"{\"v\":1,\"type\":\"applied\",\"time\":0,\"control_offset\":0,\"partition\":-1}",
         "a control record whose 'partition' is -1, which is not between 0 and 2147483647"},
    };
    struct leat_control *control = leat_control_new("fraud");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct leat_control_event *event = feed(control, (int64_t)i, cases[i].text);
        assert_int_equal(event->kind, LEAT_CONTROL_UNKNOWN);
        assert_string_equal(event->reason, cases[i].reason);
    }
    assert_string_equal(leat_control_feed(control, 90, (struct leat_bytes){NULL, 0})->reason, "it has no value");
    assert_int_equal(feed(control, 91, "\x80{")->kind, LEAT_CONTROL_UNKNOWN);
    assert_int_equal(leat_control_roles(control)->last, -1);
    leat_control_free(control);
}

static void the_same_records_one_by_one_or_through_a_log_give_the_same_roles(void **state)
{
    (void)state;
    struct leat_memory_log *memory = leat_memory_new();
    struct leat_control *one_by_one = leat_control_new("fraud");
    struct leat_control *whole = leat_control_new("fraud");
    struct leat_control *half = leat_control_new("fraud");
    uint64_t seed = 7;
    for (int64_t i = 0; i < 300; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        LEAT_CLEAN_BUFFER text = {0};
        struct leat_role_record record = {.time = T0 + i * LEAT_MINUTE,
                                          .by = "ada",
                                          .why = "by chance",
                                          .action = (enum leat_role_action)(seed >> 40 & 3),
                                          .model = "fraud",
                                          .version = (uint32_t)(seed >> 50 & 7),
                                          .digest = "",
                                          .predecessor = leat_control_roles(one_by_one)->last - (seed >> 60 == 0)};
        leat_role_record_put(&record, &text);
        leat_control_feed(one_by_one, i, leat_buffer_view(&text));
        leat_memory_append(memory, "fraud.control", 0, (struct leat_bytes){NULL, 0}, leat_buffer_view(&text), 0);
        const struct leat_roles *roles = leat_control_roles(one_by_one);
        for (size_t s = 0; s < roles->shadow_count; s++)
            assert_int_not_equal(roles->shadows[s].version, roles->champion.version);
        assert_true(roles->champion.version == 0 || roles->champion.version != roles->previous.version);
    }
    struct leat_stream_config config = {
        .kind = LEAT_STREAM_MEMORY, .memory = memory, .client_id = "test", .group = "test"};
    struct leat_stream *stream;
    struct leat_error err = {0};
    assert_int_equal(leat_stream_open(&config, &stream, &err), 0);
    assert_int_equal(leat_control_read(stream, "fraud.control", LEAT_TIME_MAX, whole, NULL, NULL, &err), 0);
    assert_int_equal(leat_control_read(stream, "no.such.topic", LEAT_TIME_MAX, half, NULL, NULL, &err), 0);
    assert_int_equal(leat_control_roles(half)->last, -1);
    assert_int_equal(leat_control_read(stream, "fraud.control", T0 + 149 * LEAT_MINUTE, half, NULL, NULL, &err), 0);
    assert_in_range(leat_control_roles(half)->last, 1, 149);
    const struct leat_roles *a = leat_control_roles(one_by_one), *b = leat_control_roles(whole);
    assert_true(a->last == b->last && a->last > 200);
    assert_int_equal(a->champion.version, b->champion.version);
    assert_int_equal(a->previous.version, b->previous.version);
    assert_int_equal(a->shadow_count, b->shadow_count);
    leat_stream_close(stream);
    leat_memory_free(memory);
    leat_control_free(one_by_one);
    leat_control_free(whole);
    leat_control_free(half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_log_has_nobody_and_lets_the_newest_version_enter_as_a_shadow),
        cmocka_unit_test(the_rule_for_an_empty_log_ends_with_the_first_accepted_record),
        cmocka_unit_test(a_promotion_makes_the_champion_previous_and_takes_the_version_from_the_shadows),
        cmocka_unit_test(a_rollback_swaps_champion_and_previous_and_may_be_taken_back),
        cmocka_unit_test(the_previous_version_may_be_watched_as_a_shadow_and_leaves_them_when_it_comes_back),
        cmocka_unit_test(retiring_takes_a_version_out_of_every_role),
        cmocka_unit_test(the_champion_is_retired_only_by_force_and_then_nobody_serves),
        cmocka_unit_test(of_two_operators_at_once_the_second_is_ignored_with_its_reason),
        cmocka_unit_test(a_change_that_the_roles_do_not_allow_is_ignored_with_its_reason),
        cmocka_unit_test(there_are_at_most_eight_shadows),
        cmocka_unit_test(a_record_about_another_model_is_a_link_of_the_chain_without_effect_on_this_one),
        cmocka_unit_test(an_applied_record_is_read_back_and_changes_nothing),
        cmocka_unit_test(a_role_record_is_written_as_documented_and_read_back_whole),
        cmocka_unit_test(any_bytes_are_taken_and_what_is_no_record_is_told_with_its_reason),
        cmocka_unit_test(the_same_records_one_by_one_or_through_a_log_give_the_same_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
