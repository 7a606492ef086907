#include "stream/drain.h"

#define POLL_MS 50
#define ERRORS_MAX 20 /* without a record between them */
#define ASK_AGAIN 40  /* polls without a record: asking for an end waits behind the fetches that are under way */

/* The end that was asked for is behind us, whether or not more has come since. */
static bool is_done(const struct leat_reader *reader)
{
    if (reader->end_mark == 0)
        return false;
    return reader->end_mark != UINT64_MAX || reader->head == NULL;
}

struct waiting {
    int polls, errors;
};

/* Nothing is at hand. */
static int await(struct leat_stream *stream, struct waiting *waiting, struct leat_error *err)
{
    struct leat_change change;
    bool fatal = false;
    if (leat_stream_poll(stream, POLL_MS, &change, &fatal, err) < 0 && (fatal || ++waiting->errors > ERRORS_MAX))
        return -1;
    return ++waiting->polls % ASK_AGAIN == 0 ? leat_stream_ends(stream, err) : 0;
}

static int drain(struct leat_stream *stream, struct leat_reader *reader,
                 bool (*visit)(void *self, const struct leat_reader *reader), void *self, struct leat_error *err)
{
    struct waiting waiting = {0};
    if (leat_stream_ends(stream, err) < 0)
        return -1;
    leat_reader_fill(reader);
    while (!is_done(reader)) {
        if (!reader->head) {
            if (await(stream, &waiting, err) < 0)
                return -1;
            leat_reader_fill(reader);
            continue;
        }
        if (!visit(self, reader))
            return 0;
        waiting = (struct waiting){0};
        leat_reader_next(reader);
    }
    return 0;
}

int leat_stream_drain(struct leat_stream *stream, const char *topic, int32_t partition, int64_t from,
                      bool (*visit)(void *self, const struct leat_reader *reader), void *self, struct leat_error *err)
{
    int32_t count;
    if (leat_stream_partitions(stream, topic, &count, err) < 0)
        return -1;
    if (partition >= count)
        return 0;
    struct leat_reader *reader;
    if (leat_reader_open(stream, topic, partition, from, false, &reader, err) < 0)
        return -1;
    int result = drain(stream, reader, visit, self, err);
    leat_reader_close(reader);
    return result;
}
