#include "engine/checkpoint.h"

#include "base/json.h"
#include "base/time.h"

#include <string.h>

void leat_checkpoint_init(struct leat_checkpoint *checkpoint)
{
    memset(checkpoint, 0, sizeof *checkpoint);
    checkpoint->watermark = LEAT_TIME_NONE;
    checkpoint->control = -1;
    checkpoint->input = (struct leat_cursor_sample){LEAT_OFFSET_BEGIN, LEAT_TIME_NONE};
    for (size_t s = 0; s < LEAT_SOURCES_MAX; s++)
        checkpoint->sources[s] = (struct leat_checkpoint_source){
            .position = 0, .restart = {LEAT_OFFSET_BEGIN, LEAT_TIME_NONE}, .clock = LEAT_TIME_NONE};
}

/* An unknown time is null. */
static void put_time(struct leat_buffer *out, int64_t time)
{
    if (time == LEAT_TIME_NONE)
        leat_buffer_append_text(out, "null");
    else
        leat_json_put_int(out, time);
}

static void put_source(struct leat_buffer *out, const char *name, const struct leat_checkpoint_source *source)
{
    leat_json_put_string(out, leat_bytes_of(name));
    leat_buffer_format(out, ":[%lld,%lld,", (long long)source->position, (long long)source->restart.offset);
    put_time(out, source->restart.order);
    leat_buffer_append_char(out, ',');
    put_time(out, source->clock);
    leat_buffer_append_char(out, ']');
}

int leat_checkpoint_encode(const struct leat_function *function, const struct leat_checkpoint *checkpoint,
                           struct leat_buffer *out)
{
    size_t start = out->len;
    leat_buffer_format(out, "{\"function\":\"%s\",\"watermark\":", function->digest);
    put_time(out, checkpoint->watermark);
    leat_buffer_format(out, ",\"control\":%lld,\"input\":[%lld,", (long long)checkpoint->control,
                       (long long)checkpoint->input.offset);
    put_time(out, checkpoint->input.order);
    leat_buffer_append_text(out, "],\"sources\":{");
    const char *comma = "";
    for (size_t s = 1; s < function->source_count; s++) {
        if (!checkpoint->sources[s].present)
            continue;
        size_t at = out->len;
        leat_buffer_append_text(out, comma);
        put_source(out, function->sources[s].name, &checkpoint->sources[s]);
        if (out->len - start + strlen("}}") <= LEAT_CHECKPOINT_BYTES_MAX)
            comma = ",";
        else
            out->len = at;
    }
    leat_buffer_append_text(out, "}}");
    return out->failed ? -1 : 0;
}

static int64_t get_time(const struct leat_json *node)
{
    int64_t time;
    return leat_json_integer(node, &time) ? time : LEAT_TIME_NONE;
}

static int64_t get_integer(const struct leat_json *node, int64_t otherwise)
{
    int64_t number;
    return leat_json_integer(node, &number) ? number : otherwise;
}

bool leat_checkpoint_parse(const struct leat_function *function, struct leat_bytes text, struct leat_checkpoint *ret)
{
    leat_checkpoint_init(ret);
    struct leat_json_document *document;
    if (text.len == 0 || leat_json_parse(text, LEAT_JSON_STRICT, &document, NULL) < 0)
        return false;
    const struct leat_json *root = leat_json_root(document);
    const struct leat_json *input = leat_json_get(root, "input");
    const struct leat_json *sources = leat_json_get(root, "sources");
    bool ours = input && sources && leat_json_get(root, "watermark");
    if (ours) {
        ret->watermark = get_time(leat_json_get(root, "watermark"));
        ret->control = get_integer(leat_json_get(root, "control"), -1);
        ret->input.offset = get_integer(leat_json_at(input, 0), LEAT_OFFSET_BEGIN);
        ret->input.order = get_time(leat_json_at(input, 1));
    }
    for (size_t s = 1; ours && s < function->source_count; s++) {
        const struct leat_json *source = leat_json_get(sources, function->sources[s].name);
        if (!source)
            continue;
        ret->sources[s] = (struct leat_checkpoint_source){
            .present = true,
            .position = get_integer(leat_json_at(source, 0), 0),
            .restart = {get_integer(leat_json_at(source, 1), LEAT_OFFSET_BEGIN), get_time(leat_json_at(source, 2))},
            .clock = get_time(leat_json_at(source, 3))};
    }
    ret->other_function = ours && strcmp(leat_json_text(leat_json_get(root, "function"), ""), function->digest) != 0;
    leat_json_free(document);
    if (!ret->other_function)
        return ours;
    ret->input = (struct leat_cursor_sample){LEAT_OFFSET_BEGIN, LEAT_TIME_NONE};
    for (size_t s = 0; s < LEAT_SOURCES_MAX; s++)
        ret->sources[s].restart = (struct leat_cursor_sample){LEAT_OFFSET_BEGIN, LEAT_TIME_NONE};
    return true;
}
