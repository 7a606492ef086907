#include "stream/stream.h"

#include "base/map.h"
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct leat_bytes text(const char *text)
{
    return leat_bytes_of(text);
}

static struct leat_stream *open_stream(struct leat_memory_log *memory, const char *group, bool follow)
{
    struct leat_stream_config config = {.kind = LEAT_STREAM_MEMORY, .memory = memory, .group = group, .follow = follow};
    struct leat_stream *stream;
    assert_int_equal(leat_stream_open(&config, &stream, NULL), 0);
    return stream;
}

static struct leat_reader *open_reader(struct leat_stream *stream, int64_t offset)
{
    struct leat_reader *reader;
    assert_int_equal(leat_reader_open(stream, "t", 0, offset, false, &reader, NULL), 0);
    leat_reader_fill(reader);
    return reader;
}

static void append(struct leat_memory_log *memory, const char *value, int64_t timestamp)
{
    leat_memory_append(memory, "t", 0, text("k"), text(value), timestamp);
}

static void records_come_in_order_from_any_offset(void **state)
{
    (void)state;
    struct leat_memory_log *memory = leat_memory_new();
    append(memory, "a", 10);
    append(memory, "b", 20);
    struct leat_stream *stream = open_stream(memory, NULL, false);
    struct leat_reader *reader = open_reader(stream, LEAT_OFFSET_BEGIN);
    assert_true(leat_bytes_is(reader->head->value, "a"));
    assert_true(leat_bytes_is(reader->head->key, "k"));
    assert_int_equal(reader->head->timestamp, 10);
    leat_reader_next(reader);
    assert_int_equal(reader->position, 1);
    assert_true(leat_bytes_is(reader->head->value, "b"));
    leat_reader_next(reader);
    assert_null(reader->head);
    assert_true(reader->end_mark == UINT64_MAX);
    append(memory, "c", 30);
    leat_reader_fill(reader);
    assert_int_equal(reader->head->offset, 2);
    assert_int_equal(reader->end_mark, 0);
    leat_reader_close(reader);

    assert_int_equal(open_reader(stream, 1)->head->offset, 1);
    assert_null(open_reader(stream, LEAT_OFFSET_END)->head);
    struct leat_error err = {0};
    assert_int_equal(leat_reader_open(stream, "t", 0, 4, false, &reader, &err), -1);
    assert_string_equal(err.text, "t/0: offset 4 is beyond the end, which is 3");
    assert_int_equal(leat_reader_open(stream, "t", 1, 0, false, &reader, &err), -1);
    leat_stream_close(stream);
    leat_memory_free(memory);
}

static void an_end_carries_the_mark_of_the_last_question(void **state)
{
    (void)state;
    struct leat_memory_log *memory = leat_memory_new();
    append(memory, "a", 10);
    struct leat_stream *stream = open_stream(memory, NULL, true);
    struct leat_reader *reader = open_reader(stream, 0), *ended = open_reader(stream, 1);
    assert_int_equal(reader->head_mark, 0);
    assert_int_equal(ended->end_mark, 0);
    assert_int_equal(leat_stream_ends(stream, NULL), 0);
    assert_int_equal(leat_stream_mark(stream), 1);
    assert_true(ended->end_mark > reader->head_mark);
    assert_int_equal(reader->end_mark, 0);
    append(memory, "b", 20);
    leat_reader_fill(ended);
    assert_int_equal(ended->head_mark, 1);
    assert_int_equal(ended->end_mark, 1);
    leat_stream_close(stream);
    leat_memory_free(memory);
}

static void commits_belong_to_the_group_and_outlive_the_stream(void **state)
{
    (void)state;
    struct leat_memory_log *memory = leat_memory_new();
    struct leat_stream *stream = open_stream(memory, "g", false);
    int64_t offset;
    struct leat_buffer metadata = {0};
    assert_int_equal(leat_stream_committed(stream, "t", 0, &offset, &metadata, NULL), 0);
    assert_int_equal(offset, LEAT_OFFSET_NONE);
    assert_int_equal(leat_stream_commit(stream, "t", 0, 3, "x", false, NULL), 0);
    assert_int_equal(leat_stream_commit(stream, "t", 0, 4, "m", true, NULL), 0);
    leat_stream_close(stream);
    stream = open_stream(memory, "g", false);
    assert_int_equal(leat_stream_committed(stream, "t", 0, &offset, &metadata, NULL), 0);
    assert_int_equal(offset, 4);
    assert_string_equal(leat_buffer_text(&metadata), "m");
    leat_stream_close(stream);
    stream = open_stream(memory, "other", false);
    assert_int_equal(leat_stream_committed(stream, "t", 0, &offset, &metadata, NULL), 0);
    assert_int_equal(offset, LEAT_OFFSET_NONE);
    leat_stream_close(stream);
    leat_buffer_done(&metadata);
    leat_memory_free(memory);
}

static void all_partitions_are_assigned_and_changes_can_be_played(void **state)
{
    (void)state;
    struct leat_memory_log *memory = leat_memory_new();
    leat_memory_topic(memory, "t", 3);
    struct leat_stream *stream = open_stream(memory, "g", true);
    struct leat_change change;
    bool fatal;
    int32_t count;
    assert_int_equal(leat_stream_partitions(stream, "t", &count, NULL), 0);
    assert_int_equal(count, 3);
    assert_int_equal(leat_stream_partitions(stream, "none", &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(leat_stream_subscribe(stream, "t", NULL), 0);
    assert_int_equal(leat_stream_poll(stream, 1000, &change, &fatal, NULL), 0);
    assert_int_equal(change.kind, LEAT_CHANGE_ASSIGNED);
    assert_int_equal(change.count, 3);
    const int32_t lost[] = {2};
    leat_memory_change(stream, LEAT_CHANGE_LOST, lost, 1);
    assert_int_equal(leat_stream_poll(stream, 0, &change, &fatal, NULL), 0);
    assert_int_equal(change.kind, LEAT_CHANGE_LOST);
    assert_int_equal(change.partitions[0], 2);
    assert_int_equal(leat_stream_acknowledge(stream, NULL), 0);
    assert_int_equal(leat_stream_poll(stream, 0, &change, &fatal, NULL), 0);
    assert_int_equal(change.kind, LEAT_CHANGE_NONE);
    leat_stream_close(stream);
    leat_memory_free(memory);
}

static void what_is_produced_keeps_its_bytes_and_goes_where_its_key_says(void **state)
{
    (void)state;
    struct leat_memory_log *memory = leat_memory_new();
    leat_memory_topic(memory, "out", 4);
    struct leat_stream *stream = open_stream(memory, NULL, false);
    struct leat_header headers[] = {{text("h"), text("v")}, {text("null"), {NULL, 0}}};
    struct leat_produce record = {.topic = "out",
                                  .partition = -1,
                                  .key = text("card-7"),
                                  .value = {"", 0},
                                  .headers = headers,
                                  .header_count = 2,
                                  .timestamp = 5};
    struct leat_fence fence = {0};
    struct leat_reason reason;
    assert_int_equal(leat_stream_produce(stream, &record, &fence, &reason, NULL), 0);
    assert_int_equal(fence.outstanding, 0);
    int32_t partition = (leat_murmur2("card-7", 6) & INT32_MAX) % 4;
    const struct leat_record *got = leat_memory_get(memory, "out", partition, 0);
    assert_non_null(got);
    assert_non_null(got->value.data);
    assert_int_equal(got->value.len, 0);
    assert_int_equal(got->header_count, 2);
    assert_true(leat_bytes_is(got->headers[0].value, "v"));
    assert_null(got->headers[1].value.data);
    assert_int_equal(leat_memory_count(memory, "out", partition), 1);
    assert_int_equal(leat_memory_count(memory, "out", 9), 0);
    assert_null(leat_memory_get(memory, "out", partition, 1));
    assert_int_equal(leat_stream_flush(stream, 0, NULL), 0);
    int64_t offset;
    assert_int_equal(leat_stream_append(stream, "log", text("k"), text("v"), &offset, NULL), 0);
    assert_int_equal(leat_stream_append(stream, "log", text("k"), text("v"), &offset, NULL), 0);
    assert_int_equal(offset, 1);
    leat_stream_close(stream);
    leat_memory_free(memory);
}

static void an_offset_is_found_by_time(void **state)
{
    (void)state;
    struct leat_memory_log *memory = leat_memory_new();
    append(memory, "a", 10);
    append(memory, "b", 20);
    append(memory, "c", 20);
    struct leat_stream *stream = open_stream(memory, NULL, false);
    const int64_t times[] = {0, 10, 11, 20, 21}, offsets[] = {0, 0, 1, 1, 3};
    for (int i = 0; i < 5; i++) {
        int64_t offset = -1;
        assert_int_equal(leat_stream_offset_at(stream, "t", 0, times[i], &offset, NULL), 0);
        assert_int_equal(offset, offsets[i]);
    }
    leat_stream_close(stream);
    leat_memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_in_order_from_any_offset),
        cmocka_unit_test(an_end_carries_the_mark_of_the_last_question),
        cmocka_unit_test(commits_belong_to_the_group_and_outlive_the_stream),
        cmocka_unit_test(all_partitions_are_assigned_and_changes_can_be_played),
        cmocka_unit_test(what_is_produced_keeps_its_bytes_and_goes_where_its_key_says),
        cmocka_unit_test(an_offset_is_found_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
