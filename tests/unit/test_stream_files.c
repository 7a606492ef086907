#include "stream/stream.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/time.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/leat-test-XXXXXX");
    signal(SIGPIPE, SIG_IGN);
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *mode, const void *data, size_t len)
{
    FILE *file = fopen(in_folder(name), mode);
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    fclose(file);
}

static void put_text(const char *name, const char *text)
{
    put(name, "w", text, strlen(text));
}

static void add_text(const char *name, const char *text)
{
    put(name, "a", text, strlen(text));
}

static void expect_content(const char *name, const char *text)
{
    struct leat_buffer content = {0};
    assert_int_equal(leat_file_read(in_folder(name), 1 << 20, &content, NULL), 0);
    assert_string_equal(leat_buffer_text(&content), text);
    leat_buffer_done(&content);
}

static struct leat_stream *open_config(struct leat_stream_config config)
{
    struct leat_error err = {0};
    struct leat_stream *stream;
    config.kind = LEAT_STREAM_FILES;
    if (leat_stream_open(&config, &stream, &err) < 0)
        fail_msg("%s", err.text);
    return stream;
}

static struct leat_stream *open_folder(void)
{
    return open_config((struct leat_stream_config){.folder = folder, .group = "g"});
}

static struct leat_reader *open_reader(struct leat_stream *stream, const char *topic, int32_t partition, int64_t offset)
{
    struct leat_error err = {0};
    struct leat_reader *reader;
    if (leat_reader_open(stream, topic, partition, offset, false, &reader, &err) < 0)
        fail_msg("%s", err.text);
    leat_reader_fill(reader);
    return reader;
}

static void expect_head(struct leat_reader *reader, int64_t offset, const char *value)
{
    assert_non_null(reader->head);
    assert_int_equal(reader->head->offset, offset);
    assert_int_equal(reader->position, offset);
    assert_int_equal(reader->head->value.len, strlen(value));
    assert_memory_equal(reader->head->value.data, value, strlen(value));
    assert_int_equal(reader->head->timestamp, LEAT_TIME_NONE);
    assert_null(reader->head->key.data);
}

static void expect_next(struct leat_reader *reader, int64_t offset, const char *value)
{
    expect_head(reader, offset, value);
    leat_reader_next(reader);
}

static void expect_end(struct leat_reader *reader, int64_t position)
{
    assert_null(reader->head);
    assert_int_equal(reader->position, position);
    assert_true(reader->end_mark == UINT64_MAX);
}

static int poll_once(struct leat_stream *stream, struct leat_error *err)
{
    struct leat_change change;
    bool fatal;
    return leat_stream_poll(stream, 0, &change, &fatal, err);
}

static void expect_poll_error(struct leat_stream *stream, const char *part)
{
    struct leat_error err = {0};
    struct leat_change change;
    bool fatal;
    assert_int_equal(leat_stream_poll(stream, 0, &change, &fatal, &err), -1);
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' lacks '%s'", err.text, part);
}

static void lines_are_records_and_blank_ones_are_numbered_but_not_handed_over(void **state)
{
    (void)state;
    put_text("t.jsonl", "{\"a\":1}\n\n{\"a\":2}\r\n\r\nlast");
    struct leat_stream *stream = open_folder();
    struct leat_reader *reader = open_reader(stream, "t", 0, LEAT_OFFSET_BEGIN);
    assert_true(reader->end_mark == 0);
    assert_string_equal(reader->topic, "t");
    expect_next(reader, 0, "{\"a\":1}");
    expect_next(reader, 2, "{\"a\":2}");
    expect_next(reader, 4, "last");
    expect_end(reader, 5);
    leat_reader_close(reader);
    leat_stream_close(stream);
}

static void an_empty_file_is_at_its_end_at_once(void **state)
{
    (void)state;
    put_text("t.jsonl", "");
    struct leat_stream *stream = open_folder();
    expect_end(open_reader(stream, "t", 0, LEAT_OFFSET_BEGIN), 0);
    leat_stream_close(stream);
}

static void a_byte_order_mark_is_no_part_of_the_first_line(void **state)
{
    (void)state;
    put_text("t.jsonl", "\xEF\xBB\xBF{}\nx");
    struct leat_stream *stream = open_folder();
    struct leat_reader *reader = open_reader(stream, "t", 0, 0);
    expect_next(reader, 0, "{}");
    expect_next(reader, 1, "x");
    leat_stream_close(stream);
}

static void a_csv_file_shows_its_header_and_counts_from_the_line_behind_it(void **state)
{
    (void)state;
    put_text("t.csv", "a,b\r\n1,2\r\n\r\n3,4\r\n");
    struct leat_stream *stream = open_folder();
    struct leat_reader *reader = open_reader(stream, "t", 0, LEAT_OFFSET_BEGIN);
    assert_true(leat_bytes_is(reader->header, "a,b"));
    expect_next(reader, 0, "1,2");
    expect_next(reader, 2, "3,4");
    expect_end(reader, 3);
    leat_reader_close(reader);
    reader = open_reader(stream, "t", 0, 1);
    assert_true(leat_bytes_is(reader->header, "a,b"));
    expect_next(reader, 2, "3,4");
    leat_stream_close(stream);
}

static void reading_begins_at_any_offset_and_at_the_end(void **state)
{
    (void)state;
    put_text("t.jsonl", "a\nb\n\nc\n");
    struct leat_stream *stream = open_folder();
    struct leat_reader *reader = open_reader(stream, "t", 0, 1);
    expect_next(reader, 1, "b");
    expect_next(reader, 3, "c");
    expect_end(reader, 4);
    expect_head(open_reader(stream, "t", 0, 2), 3, "c");
    expect_end(open_reader(stream, "t", 0, 4), 4);
    expect_end(open_reader(stream, "t", 0, LEAT_OFFSET_END), 4);
    expect_head(open_reader(stream, "t", 0, LEAT_OFFSET_NONE), 0, "a");
    leat_stream_close(stream);
}

static void an_offset_beyond_the_end_is_an_error_and_no_silent_skip(void **state)
{
    (void)state;
    put_text("t.jsonl", "a\nb\n");
    struct leat_stream *stream = open_folder();
    struct leat_reader *reader = open_reader(stream, "t", 0, 3);
    assert_null(reader->head);
    assert_true(reader->end_mark == 0);
    expect_poll_error(stream, "has 2 lines of records: offset 3 is beyond its end");
    expect_poll_error(stream, "t.jsonl");
    leat_stream_close(stream);
}

static void a_line_that_is_too_long_is_cut_and_the_rest_is_passed_over(void **state)
{
    (void)state;
    const size_t max = LEAT_RECORD_BYTES_MAX;
    const size_t lengths[] = {3, max, max + 1, 2 * max + 77, max + 1000, 5};
    FILE *file = fopen(in_folder("t.jsonl"), "w");
    char *line = malloc(2 * max + 100);
    memset(line, 'x', 2 * max + 100);
    for (size_t i = 0; i < 6; i++) {
        fwrite(line, 1, lengths[i], file);
        fputc('\n', file);
    }
    fclose(file);
    struct leat_stream *stream = open_folder();
    struct leat_reader *reader = open_reader(stream, "t", 0, 0);
    for (size_t i = 0; i < 6; i++) {
        assert_non_null(reader->head);
        assert_int_equal(reader->head->offset, i);
        assert_int_equal(reader->head->value.len, lengths[i] > max ? max + 1 : lengths[i]);
        assert_memory_equal(reader->head->value.data, line, reader->head->value.len);
        leat_reader_next(reader);
    }
    expect_end(reader, 6);
    free(line);
    leat_stream_close(stream);
}

static void lines_across_the_edges_of_the_buffer_stay_whole(void **state)
{
    (void)state;
    FILE *file = fopen(in_folder("t.jsonl"), "w");
    for (int i = 0; i < 60000; i++)
        fprintf(file, "%d%*s|\n", i, i % 97, "");
    fclose(file);
    struct leat_stream *stream = open_folder();
    struct leat_reader *reader = open_reader(stream, "t", 0, 0);
    for (int i = 0; i < 60000; i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "%d%*s|", i, i % 97, "");
        expect_next(reader, i, expected);
    }
    expect_end(reader, 60000);
    leat_stream_close(stream);
}

static void partitions_are_numbered_files(void **state)
{
    (void)state;
    put_text("t.jsonl", "zero\n");
    put_text("t.1.jsonl", "one\n");
    put_text("t.2.csv", "h\ntwo\n");
    put_text("t.4.jsonl", "not next to the others\n");
    struct leat_stream *stream = open_folder();
    int32_t count = -1;
    assert_int_equal(leat_stream_partitions(stream, "t", &count, NULL), 0);
    assert_int_equal(count, 3);
    assert_int_equal(leat_stream_partitions(stream, "none", &count, NULL), 0);
    assert_int_equal(count, 0);
    expect_head(open_reader(stream, "t", 1, 0), 0, "one");
    expect_head(open_reader(stream, "t", 2, 0), 0, "two");
    struct leat_reader *reader;
    struct leat_error err = {0};
    assert_int_equal(leat_reader_open(stream, "t", 3, 0, false, &reader, &err), -1);
    assert_non_null(strstr(err.text, "topic 't', partition 3"));
    leat_stream_close(stream);
}

static void two_files_for_one_topic_are_an_error(void **state)
{
    (void)state;
    put_text("t.jsonl", "x\n");
    put_text("t.csv", "x\n");
    struct leat_stream *stream = open_folder();
    struct leat_error err = {0};
    int32_t count;
    assert_int_equal(leat_stream_partitions(stream, "t", &count, &err), -1);
    assert_non_null(strstr(err.text, "t.jsonl"));
    assert_non_null(strstr(err.text, "t.csv"));
    leat_stream_close(stream);
}

static size_t pack_gzip(const char *text, size_t len, char *out, size_t room)
{
    z_stream stream = {0};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = (Bytef *)(uintptr_t)text;
    stream.avail_in = len;
    stream.next_out = (Bytef *)out;
    stream.avail_out = room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

/* 5 MB of lines that pack well. */
#define MANY 200000
static char *many_lines(size_t *ret_len)
{
    struct leat_buffer text = {0};
    for (int i = 0; i < MANY; i++)
        leat_buffer_format(&text, "{\"number\":%d,\"x\":\"y\"}\n", i);
    *ret_len = text.len;
    return text.data;
}

static void expect_many(struct leat_reader *reader, int from)
{
    for (int i = from; i < MANY; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "{\"number\":%d,\"x\":\"y\"}", i);
        expect_next(reader, i, expected);
    }
    expect_end(reader, MANY);
}

static void gzip_is_read_with_several_members_and_padding(void **state)
{
    (void)state;
    size_t len;
    char *text = many_lines(&len), *packed = malloc(len);
    size_t first = pack_gzip(text, len / 2, packed, len);
    size_t both = first + pack_gzip(text + len / 2, len - len / 2, packed + first, len - first);
    memset(packed + both, 0, 512);
    put("t.jsonl.gz", "w", packed, both + 512);
    struct leat_stream *stream = open_folder();
    expect_many(open_reader(stream, "t", 0, 0), 0);
    expect_many(open_reader(stream, "t", 0, MANY - 3), MANY - 3);
    leat_stream_close(stream);
    free(text);
    free(packed);
}

static void zstandard_is_read_with_several_frames(void **state)
{
    (void)state;
    size_t len;
    char *text = many_lines(&len), *packed = malloc(len);
    size_t first = ZSTD_compress(packed, len, text, len / 3, 3);
    size_t both = first + ZSTD_compress(packed + first, len - first, text + len / 3, len - len / 3, 3);
    put("t.jsonl.zst", "w", packed, both);
    struct leat_stream *stream = open_folder();
    expect_many(open_reader(stream, "t", 0, 0), 0);
    leat_stream_close(stream);
    free(text);
    free(packed);
}

static void expect_failure_within(const char *part)
{
    struct leat_stream *stream = open_folder();
    struct leat_reader *reader = open_reader(stream, "t", 0, 0);
    while (reader->head != NULL)
        leat_reader_next(reader);
    assert_true(reader->end_mark == 0);
    expect_poll_error(stream, part);
    leat_stream_close(stream);
}

static void packed_data_that_was_cut_off_is_an_error(void **state)
{
    (void)state;
    size_t len;
    char *text = many_lines(&len), *packed = malloc(len);
    size_t packed_len = pack_gzip(text, len, packed, len);
    put("t.jsonl.gz", "w", packed, packed_len - 4);
    expect_failure_within("it ends within its packed data");
    unlink(in_folder("t.jsonl.gz"));
    packed_len = ZSTD_compress(packed, len, text, len, 3);
    put("t.jsonl.zst", "w", packed, packed_len / 2);
    expect_failure_within("it ends within its packed data");
    free(text);
    free(packed);
}

static void packed_data_that_is_broken_or_no_packed_data_is_an_error(void **state)
{
    (void)state;
    size_t len;
    char *text = many_lines(&len), *packed = malloc(len);
    size_t packed_len = pack_gzip(text, len, packed, len);
    packed[packed_len / 2] ^= 0x55;
    put("t.jsonl.gz", "w", packed, packed_len);
    expect_failure_within("t.jsonl.gz' behind its line ");
    packed_len = pack_gzip(text, len, packed, len);
    memcpy(packed + packed_len, "rubbish", 7);
    put("t.jsonl.gz", "w", packed, packed_len + 7);
    expect_failure_within("t.jsonl.gz' behind its line ");
    put_text("t.jsonl.gz", "{\"plain\":1}\n");
    expect_failure_within("its content is not gzip");
    put_text("t.jsonl.gz", "");
    expect_failure_within("its content is not gzip");
    free(text);
    free(packed);
}

static void several_readers_on_one_file_do_not_disturb_each_other(void **state)
{
    (void)state;
    put_text("t.jsonl", "a\nb\nc\n");
    struct leat_stream *stream = open_folder();
    struct leat_reader *one = open_reader(stream, "t", 0, 0), *two = open_reader(stream, "t", 0, 1);
    expect_next(one, 0, "a");
    expect_next(two, 1, "b");
    expect_head(one, 1, "b");
    leat_reader_close(one);
    expect_head(two, 2, "c");
    leat_stream_close(stream);
}

static void a_followed_file_grows_line_by_line_and_its_end_is_reported_with_a_mark(void **state)
{
    (void)state;
    put_text("t.jsonl", "a\nb");
    struct leat_stream *stream = open_config((struct leat_stream_config){.folder = folder, .follow = true});
    struct leat_reader *reader = open_reader(stream, "t", 0, 0);
    assert_int_equal(reader->head_mark, 0);
    expect_next(reader, 0, "a");
    assert_null(reader->head); /* b has no newline yet */
    assert_int_equal(reader->end_mark, 0);
    assert_int_equal(leat_stream_ends(stream, NULL), 0);
    assert_int_equal(leat_stream_mark(stream), 1);
    assert_int_equal(reader->end_mark, 1);
    add_text("t.jsonl", "b\nc\n");
    struct leat_change change;
    bool fatal;
    assert_int_equal(leat_stream_poll(stream, 5000, &change, &fatal, NULL), 0);
    assert_int_equal(reader->head_mark, 1);
    expect_next(reader, 1, "bb");
    assert_int_equal(leat_stream_ends(stream, NULL), 0);
    assert_int_equal(reader->end_mark, 1); /* c is at its head */
    expect_next(reader, 2, "c");
    assert_int_equal(reader->end_mark, 2);
    assert_int_equal(leat_stream_poll(stream, 30, &change, &fatal, NULL), 0);
    assert_int_equal(truncate(in_folder("t.jsonl"), 2), 0);
    expect_poll_error(stream, "it has become shorter");
    leat_stream_close(stream);
}

static void the_input_is_assigned_with_all_its_partitions(void **state)
{
    (void)state;
    put_text("t.jsonl", "a\n");
    put_text("t.1.jsonl", "b\n");
    struct leat_stream *stream = open_folder();
    struct leat_change change;
    bool fatal;
    assert_int_equal(leat_stream_subscribe(stream, "t", NULL), 0);
    assert_int_equal(leat_stream_poll(stream, 0, &change, &fatal, NULL), 0);
    assert_int_equal(change.kind, LEAT_CHANGE_ASSIGNED);
    assert_int_equal(change.count, 2);
    assert_int_equal(change.partitions[1], 1);
    assert_int_equal(leat_stream_poll(stream, 1000, &change, &fatal, NULL), 0);
    assert_int_equal(change.kind, LEAT_CHANGE_NONE);
    leat_stream_close(stream);
    stream = open_folder();
    struct leat_error err = {0};
    assert_int_equal(leat_stream_subscribe(stream, "missing", &err), -1);
    assert_non_null(strstr(err.text, "/missing.jsonl', or .csv"));
    leat_stream_close(stream);
}

static void commits_outlive_the_stream_with_their_metadata(void **state)
{
    (void)state;
    struct leat_stream *stream = open_folder();
    int64_t offset = 0;
    struct leat_buffer metadata = {0};
    assert_int_equal(leat_stream_committed(stream, "t", 0, &offset, &metadata, NULL), 0);
    assert_int_equal(offset, LEAT_OFFSET_NONE);
    assert_int_equal(leat_stream_commit(stream, "t", 0, 5, "with \"text\"", false, NULL), 0);
    assert_int_equal(leat_stream_commit(stream, "u", 0, 6, NULL, false, NULL), 0);
    assert_int_equal(leat_stream_commit(stream, "t", 1, 7, "", false, NULL), 0);
    assert_int_equal(leat_stream_commit(stream, "t", 0, 8, "with \"text\"", true, NULL), 0);
    expect_content(".leat/g.json", "{\"t\":{\"1\":{\"offset\":7,\"metadata\":\"\"},\"0\":{\"offset\":8,\"metadata\":"
                                   "\"with \\\"text\\\"\"}},\"u\":{\"0\":{\"offset\":6,\"metadata\":\"\"}}}\n");
    assert_int_equal(leat_stream_commit(stream, "t", 0, 9, "m", false, NULL), 0);
    leat_stream_close(stream);

    stream = open_folder();
    assert_int_equal(leat_stream_committed(stream, "t", 0, &offset, &metadata, NULL), 0);
    assert_int_equal(offset, 9);
    assert_string_equal(leat_buffer_text(&metadata), "m");
    leat_stream_close(stream);
    stream = open_config((struct leat_stream_config){.folder = folder, .group = "../other group"});
    assert_int_equal(leat_stream_committed(stream, "t", 0, &offset, &metadata, NULL), 0);
    assert_int_equal(offset, LEAT_OFFSET_NONE);
    assert_int_equal(leat_stream_commit(stream, "t", 0, 1, "", true, NULL), 0);
    assert_true(leat_file_exists(in_folder(".leat/%2E.%2Fother%20group.json")));
    leat_stream_close(stream);
    leat_buffer_done(&metadata);
}

static void a_file_of_commits_that_is_broken_is_an_error(void **state)
{
    (void)state;
    const char *const broken[] = {
        "", "{\"t\":", "[]", "{\"t\":1}", "{\"t\":{\"0\":{\"offset\":-1}}}", "{\"t\":{\"x\":{\"offset\":1}}}"};
    assert_int_equal(leat_folder_make(in_folder(".leat"), NULL), 0);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        put_text(".leat/g.json", broken[i]);
        struct leat_stream *stream = open_folder();
        struct leat_error err = {0};
        int64_t offset;
        struct leat_buffer metadata = {0};
        assert_int_equal(leat_stream_committed(stream, "t", 0, &offset, &metadata, &err), -1);
        assert_non_null(strstr(err.text, ".leat/g.json"));
        leat_stream_close(stream);
    }
}

static struct leat_bytes text(const char *text)
{
    return leat_bytes_of(text);
}

static int produce(struct leat_stream *stream, const char *topic, const char *value, struct leat_fence *fence)
{
    struct leat_produce record = {.topic = topic, .partition = -1, .value = text(value), .timestamp = LEAT_TIME_NONE};
    struct leat_reason reason;
    struct leat_error err;
    return leat_stream_produce(stream, &record, fence, &reason, &err);
}

static void what_is_produced_is_appended_and_fences_open_when_it_is_written(void **state)
{
    (void)state;
    put_text("out.jsonl", "before\n");
    struct leat_stream *stream = open_folder();
    struct leat_fence one = {0}, two = {0};
    assert_int_equal(produce(stream, "out", "a", &one), 0);
    assert_int_equal(produce(stream, "out", "b", &two), 0);
    assert_int_equal(produce(stream, "out", "c", &one), 0);
    assert_int_equal(produce(stream, "deep", "d", NULL), 0);
    assert_int_equal(one.outstanding, 2);
    assert_int_equal(two.outstanding, 1);
    expect_content("out.jsonl", "before\n");
    assert_int_equal(leat_stream_flush(stream, 1000, NULL), 0);
    assert_int_equal(one.outstanding + two.outstanding + one.failed, 0);
    expect_content("out.jsonl", "before\na\nb\nc\n");
    expect_content("deep.jsonl", "d\n");
    assert_int_equal(produce(stream, "out", "e", &one), 0);
    usleep(60000);
    assert_int_equal(poll_once(stream, NULL), 0); /* it has waited long enough */
    assert_int_equal(one.outstanding, 0);
    expect_content("out.jsonl", "before\na\nb\nc\ne\n");
    leat_stream_close(stream);
}

static void a_torn_last_line_is_cut_off_before_more_is_appended(void **state)
{
    (void)state;
    put_text("out.jsonl", "whole\n{\"torn\":");
    put_text("all.jsonl", "torn from the beginning");
    struct leat_stream *stream = open_folder();
    assert_int_equal(produce(stream, "out", "next", NULL), 0);
    assert_int_equal(produce(stream, "all", "next", NULL), 0);
    assert_int_equal(leat_stream_flush(stream, 1000, NULL), 0);
    expect_content("out.jsonl", "whole\nnext\n");
    expect_content("all.jsonl", "next\n");
    leat_stream_close(stream);
}

static void an_envelope_holds_key_headers_and_any_bytes(void **state)
{
    (void)state;
    struct leat_header headers[] = {
        {text("stage"), text("decode")}, {text("none"), {NULL, 0}}, {text("raw"), {"\xFF\x01", 2}}};
    struct leat_produce record = {.topic = "dead",
                                  .key = text("k\n"),
                                  .value = {"\x00\xFF\xFE\x41", 4},
                                  .headers = headers,
                                  .header_count = 3,
                                  .timestamp = 1700000000123456,
                                  .envelope = true};
    struct leat_reason reason;
    struct leat_stream *stream = open_folder();
    assert_int_equal(leat_stream_produce(stream, &record, NULL, &reason, NULL), 0);
    record = (struct leat_produce){
        .topic = "dead", .value = text("{\"a\": 1}"), .timestamp = LEAT_TIME_NONE, .envelope = true};
    assert_int_equal(leat_stream_produce(stream, &record, NULL, &reason, NULL), 0);
    record.value = (struct leat_bytes){NULL, 0};
    assert_int_equal(leat_stream_produce(stream, &record, NULL, &reason, NULL), 0);
    assert_int_equal(leat_stream_flush(stream, 1000, NULL), 0);
    expect_content("dead.jsonl", "{\"topic\":\"dead\",\"timestamp\":1700000000123,\"key\":\"k\\n\",\"headers\":"
                                 "{\"stage\":\"decode\",\"none\":null,\"raw_base64\":\"/wE=\"},"
                                 "\"value_base64\":\"AP/+QQ==\"}\n"
                                 "{\"topic\":\"dead\",\"key\":null,\"headers\":{},\"value\":\"{\\\"a\\\": 1}\"}\n"
                                 "{\"topic\":\"dead\",\"key\":null,\"headers\":{},\"value\":null}\n");
    leat_stream_close(stream);
}

static void a_record_that_does_not_fit_a_line_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct leat_stream *stream = open_folder();
    struct leat_reason reason = {0};
    struct leat_produce record = {.topic = "out", .value = text("a\nb"), .timestamp = LEAT_TIME_NONE};
    assert_int_equal(leat_stream_produce(stream, &record, NULL, &reason, NULL), -1);
    assert_int_equal(reason.stage, LEAT_STAGE_PRODUCE);
    char *huge = calloc(1, LEAT_RECORD_BYTES_MAX + 1);
    record.value = (struct leat_bytes){huge, LEAT_RECORD_BYTES_MAX + 1};
    assert_int_equal(leat_stream_produce(stream, &record, NULL, &reason, NULL), -1);
    record.value = text("next");
    assert_int_equal(leat_stream_produce(stream, &record, NULL, &reason, NULL), 0);
    assert_int_equal(leat_stream_flush(stream, 1000, NULL), 0);
    expect_content("out.jsonl", "next\n");
    free(huge);
    leat_stream_close(stream);
}

static void a_full_disk_is_an_error_that_loses_nothing(void **state)
{
    (void)state;
    struct leat_stream_override overrides[] = {{.topic = "out", .path = "/dev/full"}, {0}};
    struct leat_stream *stream = open_config((struct leat_stream_config){.folder = folder, .overrides = overrides});
    struct leat_fence fence = {0};
    assert_int_equal(produce(stream, "out", "a", &fence), 0);
    struct leat_error err = {0};
    assert_int_equal(leat_stream_flush(stream, 1000, &err), -1);
    assert_int_equal(err.kind, LEAT_ERROR_ENVIRONMENT);
    assert_string_equal(err.text, "can not write to '/dev/full': No space left on device");
    assert_int_equal(fence.outstanding, 1);
    struct leat_change change;
    bool fatal = true;
    assert_int_equal(leat_stream_poll(stream, 10, &change, &fatal, &err), -1);
    assert_false(fatal);
    char *large = calloc(1, 1 << 20);
    memset(large, 'x', (1 << 20) - 1);
    assert_int_equal(produce(stream, "out", large, &fence), 0);
    assert_int_equal(produce(stream, "out", large, &fence), 1); /* the buffer is full */
    assert_int_equal(fence.outstanding, 2);
    free(large);
    leat_stream_close(stream);
}

static void a_closed_pipe_is_an_error_and_no_signal(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    int saved = dup(STDOUT_FILENO);
    struct leat_stream_override overrides[] = {{.topic = "out", .path = "-"}, {0}};
    struct leat_stream *stream = open_config((struct leat_stream_config){.overrides = overrides});
    fflush(stdout);
    dup2(fds[1], STDOUT_FILENO);
    int produced = produce(stream, "out", "a", NULL);
    struct leat_error err = {0};
    struct leat_change change;
    bool fatal = false;
    int polled = leat_stream_poll(stream, 10, &change, &fatal, &err);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(fds[1]);
    assert_int_equal(produced, 0);
    assert_int_equal(polled, -1);
    assert_true(fatal);
    assert_non_null(strstr(err.text, "'standard output': its reader has closed it"));
    leat_stream_close(stream);
}

static void standard_input_is_waited_for_line_by_line(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    int saved = dup(STDIN_FILENO);
    dup2(fds[0], STDIN_FILENO);
    close(fds[0]);
    struct leat_stream_override overrides[] = {{.topic = "in", .path = "-", .csv = true}, {0}};
    struct leat_stream *stream = open_config(
        (struct leat_stream_config){.folder = folder, .group = "g", .overrides = overrides});
    struct leat_reader *reader = open_reader(stream, "in", 0, LEAT_OFFSET_BEGIN);
    struct leat_change change;
    bool fatal;
    assert_null(reader->head);
    assert_int_equal(write(fds[1], "h\n1\n2", 5), 5);
    assert_int_equal(leat_stream_poll(stream, 5000, &change, &fatal, NULL), 0);
    assert_true(leat_bytes_is(reader->header, "h"));
    expect_next(reader, 0, "1");
    assert_null(reader->head);
    assert_true(reader->end_mark == 0);
    assert_int_equal(leat_stream_poll(stream, 20, &change, &fatal, NULL), 0);
    assert_null(reader->head);
    close(fds[1]);
    assert_int_equal(leat_stream_poll(stream, 5000, &change, &fatal, NULL), 0);
    expect_next(reader, 1, "2");
    expect_end(reader, 2);
    /* Its offsets mean nothing to the next run. */
    assert_int_equal(leat_stream_commit(stream, "in", 0, 2, "", true, NULL), 0);
    assert_false(leat_file_exists(in_folder(".leat/g.json")));
    leat_stream_close(stream);
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void append_returns_the_number_of_the_line(void **state)
{
    (void)state;
    put_text("log.jsonl", "one\ntorn");
    struct leat_stream *stream = open_folder();
    int64_t offset = -1;
    assert_int_equal(leat_stream_append(stream, "log", text("k"), text("two"), &offset, NULL), 0);
    assert_int_equal(offset, 1);
    assert_int_equal(leat_stream_append(stream, "log", text("k"), text("three"), &offset, NULL), 0);
    assert_int_equal(offset, 2);
    assert_int_equal(leat_stream_append(stream, "new", text("k"), text("first"), &offset, NULL), 0);
    assert_int_equal(offset, 0);
    expect_content("log.jsonl", "one\ntwo\nthree\n");
    leat_stream_close(stream);
}

static void what_is_missing_or_can_not_be_opened_is_named(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_stream *stream;
    struct leat_stream_config config = {.kind = LEAT_STREAM_FILES, .folder = "/nowhere/at/all"};
    assert_int_equal(leat_stream_open(&config, &stream, &err), -1);
    assert_string_equal(err.text, "can not read the folder '/nowhere/at/all': No such file or directory");

    struct leat_stream_override overrides[] = {
        {.topic = "in", .path = "/nowhere.jsonl"}, {.topic = "packed", .path = "/tmp/x.jsonl.gz"}, {0}};
    stream = open_config((struct leat_stream_config){.overrides = overrides});
    struct leat_reader *reader;
    assert_int_equal(leat_reader_open(stream, "in", 0, 0, false, &reader, &err), -1);
    assert_string_equal(err.text, "can not read '/nowhere.jsonl': No such file or directory");
    assert_int_equal(leat_reader_open(stream, "other", 0, 0, false, &reader, &err), -1);
    assert_non_null(strstr(err.text, "no file and no folder was given for topic 'other'"));
    struct leat_produce record = {.topic = "packed", .value = text("x"), .timestamp = LEAT_TIME_NONE};
    struct leat_reason reason;
    assert_int_equal(leat_stream_produce(stream, &record, NULL, &reason, &err), 1);
    assert_non_null(strstr(err.text, "packed files are only read"));
    leat_stream_close(stream);
    leat_stream_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_records_and_blank_ones_are_numbered_but_not_handed_over),
        TEST(an_empty_file_is_at_its_end_at_once),
        TEST(a_byte_order_mark_is_no_part_of_the_first_line),
        TEST(a_csv_file_shows_its_header_and_counts_from_the_line_behind_it),
        TEST(reading_begins_at_any_offset_and_at_the_end),
        TEST(an_offset_beyond_the_end_is_an_error_and_no_silent_skip),
        TEST(a_line_that_is_too_long_is_cut_and_the_rest_is_passed_over),
        TEST(lines_across_the_edges_of_the_buffer_stay_whole),
        TEST(partitions_are_numbered_files),
        TEST(two_files_for_one_topic_are_an_error),
        TEST(gzip_is_read_with_several_members_and_padding),
        TEST(zstandard_is_read_with_several_frames),
        TEST(packed_data_that_was_cut_off_is_an_error),
        TEST(packed_data_that_is_broken_or_no_packed_data_is_an_error),
        TEST(several_readers_on_one_file_do_not_disturb_each_other),
        TEST(a_followed_file_grows_line_by_line_and_its_end_is_reported_with_a_mark),
        TEST(the_input_is_assigned_with_all_its_partitions),
        TEST(commits_outlive_the_stream_with_their_metadata),
        TEST(a_file_of_commits_that_is_broken_is_an_error),
        TEST(what_is_produced_is_appended_and_fences_open_when_it_is_written),
        TEST(a_torn_last_line_is_cut_off_before_more_is_appended),
        TEST(an_envelope_holds_key_headers_and_any_bytes),
        TEST(a_record_that_does_not_fit_a_line_is_refused_with_a_reason),
        TEST(a_full_disk_is_an_error_that_loses_nothing),
        TEST(a_closed_pipe_is_an_error_and_no_signal),
        TEST(standard_input_is_waited_for_line_by_line),
        TEST(append_returns_the_number_of_the_line),
        TEST(what_is_missing_or_can_not_be_opened_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
