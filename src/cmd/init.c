/* leat init: a first function file, from what a topic's records look like. What is guessed says so; `leat check` accepts
 * the file as it is. */
#include "cmd/init.h"

#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "cmd/command.h"
#include "expr/scan.h"
#include "function/function.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 1000
#define FEATURES_SHOWN 50
#define REMARK_COLUMN 40

struct draft {
    const char *topic, *name;
    const struct leat_shapes *shapes;
    const struct leat_shape *time, *key; /* key NULL: none */
    struct leat_guess time_guess;
    const char *key_why;
    const char *brokers; /* NULL: files */
    struct leat_buffer out;
};

/* -- text ------------------------------------------------------------------------------------------------------------ */

/* As YAML text: plain where that is safe. */
static void put_yaml(struct leat_buffer *out, struct leat_bytes text)
{
    static const char *const words[] = {"null",  "Null",  "NULL", "true", "True", "TRUE", "false",
                                        "False", "FALSE", "yes",  "no",   "on",   "off",  "y",
                                        "n",     "Yes",   "No",   "On",   "Off",  "Y",    "N"};
    bool plain = text.len > 0 && !(text.data[0] >= '0' && text.data[0] <= '9') && text.data[0] != '-' &&
                 text.data[0] != '.';
    for (size_t i = 0; i < text.len && plain; i++) {
        char c = text.data[i];
        plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                c == '.';
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        plain = plain && !leat_bytes_is(text, words[i]);
    if (plain)
        leat_buffer_append(out, text.data, text.len);
    else
        leat_json_put_string(out, text);
}

/* The name as expressions and paths write it. */
static void put_path(struct leat_buffer *out, struct leat_bytes name)
{
    bool plain = leat_expr_plain_name(name);
    leat_buffer_append_text(out, plain ? "" : "\"");
    for (size_t i = 0; i < name.len; i++) {
        leat_buffer_append_char(out, name.data[i]);
        if (!plain && name.data[i] == '"')
            leat_buffer_append_char(out, '"');
    }
    leat_buffer_append_text(out, plain ? "" : "\"");
}

/* That, as a value of the file. */
static void put_path_value(struct leat_buffer *out, struct leat_bytes name)
{
    LEAT_CLEAN_BUFFER path = {0};
    put_path(&path, name);
    put_yaml(out, leat_buffer_view(&path));
}

/* A remark behind the line that begins at `start`. */
static void put_remark(struct leat_buffer *out, size_t start, const char *remark)
{
    do
        leat_buffer_append_char(out, ' ');
    while (out->len - start < REMARK_COLUMN);
    leat_buffer_append_text(out, "# ");
    for (; *remark; remark++)
        leat_buffer_append_char(out, (unsigned char)*remark < 0x20 ? ' ' : *remark);
}

/* -- guesses --------------------------------------------------------------------------------------------------------- */

static const struct leat_shape *find_shape(const struct leat_shapes *shapes, struct leat_bytes name)
{
    for (size_t i = 0; i < shapes->root.count; i++)
        if (leat_bytes_equal(shapes->root.children[i].name, name))
            return &shapes->root.children[i];
    return NULL;
}

static int no_such_field(const struct leat_shapes *shapes, const char *option, const char *name, struct leat_error *err)
{
    const char **names = leat_calloc(shapes->root.count + 1, sizeof *names);
    for (size_t i = 0; i < shapes->root.count; i++)
        names[i] = shapes->root.children[i].name.data;
    const char *nearest = leat_nearest(leat_bytes_of(name), names, shapes->root.count);
    free(names);
    return leat_error_set(err, LEAT_ERROR_FINDING, "%s: no record has a field '%s'%s%s%s", option, name,
                          nearest ? "; the nearest is '" : "", nearest ? nearest : "", nearest ? "'" : "");
}

static bool is_time(const struct leat_shape *shape, bool named)
{
    struct leat_guess guess = leat_shape_guess(shape, named);
    return guess.kind == LEAT_GUESS_SCALAR && guess.type == LEAT_TYPE_TIME;
}

static int name_rank(struct leat_bytes name)
{
    static const char *const usual[] = {"ts", "timestamp", "event_time", "eventTime", "time"};
    for (int i = 0; i < 5; i++)
        if (leat_bytes_is(name, usual[i]))
            return i;
    return 5;
}

/* Of several times the one that is there most, goes backward least, and has the most usual name. */
static bool is_better_time(const struct leat_shape *a, const struct leat_shape *b)
{
    if (!b || a->values != b->values)
        return !b || a->values > b->values;
    if (a->backward != b->backward)
        return a->backward < b->backward;
    return name_rank(a->name) < name_rank(b->name);
}

static int find_time(struct draft *draft, const char *option, struct leat_error *err)
{
    const struct leat_shapes *shapes = draft->shapes;
    if (option) {
        draft->time = find_shape(shapes, leat_bytes_of(option));
        if (!draft->time)
            return no_such_field(shapes, "--event-time", option, err);
        if (!is_time(draft->time, true))
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "--event-time: '%s' is no time in the records that were looked at (%s)", option,
                                  draft->time->example);
    }
    for (size_t i = 0; !option && i < shapes->root.count; i++)
        if (is_time(&shapes->root.children[i], false) && is_better_time(&shapes->root.children[i], draft->time))
            draft->time = &shapes->root.children[i];
    if (!draft->time)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "no field of topic '%s' looks like a time; name the one that says when it happened: "
                              "--event-time FIELD",
                              draft->topic);
    draft->time_guess = leat_shape_guess(draft->time, true);
    return 0;
}

static bool can_be_key(const struct leat_shape *shape)
{
    struct leat_guess guess = leat_shape_guess(shape, false);
    return guess.kind == LEAT_GUESS_SCALAR && (guess.type == LEAT_TYPE_STRING || guess.type == LEAT_TYPE_INT);
}

/* The field whose value is the record's key. Files have no keys: there the user has to say it. */
static int find_key(struct draft *draft, const char *option, struct leat_error *err)
{
    const struct leat_shapes *shapes = draft->shapes;
    if (option) {
        draft->key = find_shape(shapes, leat_bytes_of(option));
        if (!draft->key)
            return no_such_field(shapes, "--key", option, err);
        if (!can_be_key(draft->key))
            return leat_error_set(err, LEAT_ERROR_FINDING, "--key: '%s' is neither a text nor a whole number (%s)",
                                  option, draft->key->example);
        draft->key_why = "the field by which the topic is partitioned";
        return 0;
    }
    for (size_t i = 0; shapes->with_key > 0 && i < shapes->root.count; i++)
        if (shapes->root.children[i].keys == shapes->with_key && can_be_key(&shapes->root.children[i]))
            draft->key = &shapes->root.children[i];
    draft->key_why = "equal to the key of every record that was looked at";
    return 0;
}

/* -- the file -------------------------------------------------------------------------------------------------------- */

static void put_type(struct draft *draft, const struct leat_shape *shape, struct leat_guess guess, int depth);

static void put_fields(struct draft *draft, const struct leat_shape *object, int depth)
{
    struct leat_buffer *out = &draft->out;
    for (size_t i = 0; i < object->count; i++) {
        const struct leat_shape *field = &object->children[i];
        bool time = field == draft->time;
        struct leat_guess guess = time ? draft->time_guess : leat_shape_guess(field, false);
        size_t start = out->len;
        bool unknown = guess.kind == LEAT_GUESS_UNKNOWN || field->name.len == 0;
        leat_buffer_format(out, "%*s%s", 2 * depth, "", unknown ? "# " : "");
        if (unknown) {
            LEAT_CLEAN_BUFFER name = {0};
            leat_json_put_string(&name, field->name);
            leat_buffer_format(out, "%s: left out, %s\n", leat_buffer_text(&name),
                               guess.why ? guess.why : "since it has no name");
            continue;
        }
        put_yaml(out, field->name);
        leat_buffer_append_char(out, ':');
        put_type(draft, field, guess, depth);
        if (guess.kind == LEAT_GUESS_SCALAR) {
            LEAT_CLEAN_BUFFER remark = {0};
            leat_buffer_format(&remark, "%s%s%s", field->example, guess.why ? "; " : "", guess.why ? guess.why : "");
            if (guess.others > 0)
                leat_buffer_format(&remark, "; %llu of %llu are of another type: their records will be dead letters",
                                   (unsigned long long)guess.others, (unsigned long long)field->values);
            if (field->values < field->seen || field->seen + draft->shapes->unread < draft->shapes->records)
                leat_buffer_append_text(&remark, depth == 2 ? "; null or absent at times" : "");
            put_remark(out, start, leat_buffer_text(&remark));
        }
        if (guess.kind != LEAT_GUESS_OBJECT)
            leat_buffer_append_char(out, '\n');
    }
}

/* An object's fields in braces, within a list. */
static void put_inline(struct draft *draft, const struct leat_shape *shape, struct leat_guess guess)
{
    struct leat_buffer *out = &draft->out;
    if (guess.kind == LEAT_GUESS_SCALAR) {
        leat_buffer_append_text(out, leat_field_type_name(guess.type, guess.encoding));
        return;
    }
    bool list = guess.kind == LEAT_GUESS_LIST, first = true;
    leat_buffer_append_char(out, list ? '[' : '{');
    for (size_t i = 0; i < shape->count; i++) {
        const struct leat_shape *field = &shape->children[i];
        struct leat_guess inner = leat_shape_guess(field, false);
        if (inner.kind == LEAT_GUESS_UNKNOWN || (!list && field->name.len == 0))
            continue;
        leat_buffer_append_text(out, first ? "" : ", ");
        first = false;
        if (!list) {
            put_yaml(out, field->name);
            leat_buffer_append_text(out, ": ");
        }
        put_inline(draft, field, inner);
    }
    leat_buffer_append_char(out, list ? ']' : '}');
}

static void put_type(struct draft *draft, const struct leat_shape *shape, struct leat_guess guess, int depth)
{
    leat_buffer_append_char(&draft->out, guess.kind == LEAT_GUESS_OBJECT ? '\n' : ' ');
    if (guess.kind == LEAT_GUESS_OBJECT)
        put_fields(draft, shape, depth + 1);
    else
        put_inline(draft, shape, guess);
}

static void put_input(struct draft *draft)
{
    struct leat_buffer *out = &draft->out;
    size_t start = out->len;
    leat_buffer_append_text(out, "input:\n  topic: ");
    put_yaml(out, leat_bytes_of(draft->topic));
    leat_buffer_format(out, "\n  format: %s\n", leat_format_name(draft->shapes->format));
    start = out->len;
    if (draft->key) {
        leat_buffer_append_text(out, "  key: ");
        put_path_value(out, draft->key->name);
        put_remark(out, start, draft->key_why);
    } else {
        leat_buffer_append_text(out, "  # key: FIELD");
        put_remark(out, start, "the field by which the topic is partitioned; windows need it");
    }
    leat_buffer_append_char(out, '\n');
    start = out->len;
    leat_buffer_append_text(out, "  event_time: ");
    put_path_value(out, draft->time->name);
    put_remark(out, start, "when it happened; not when it was written");
    leat_buffer_append_text(
        out, "\n  # grace: 30s                          # later than this behind the newest: marked late\n"
             "  # filter: CONDITION                   # events for which it is not true are passed over\n"
             "  schema:\n");
    put_fields(draft, &draft->shapes->root, 2);
}

static bool is_result(struct leat_bytes name)
{
    return leat_bytes_is(name, "score") || leat_bytes_is(name, "marks");
}

/* A number that may tell a model something: not the key, not a time. */
static bool is_feature(const struct draft *draft, const struct leat_shape *field)
{
    struct leat_guess guess = leat_shape_guess(field, false);
    bool number = guess.type == LEAT_TYPE_INT || guess.type == LEAT_TYPE_DOUBLE || guess.type == LEAT_TYPE_BOOL;
    return guess.kind == LEAT_GUESS_SCALAR && number && field != draft->key && field != draft->time &&
           field->name.len > 0 && field->name.len < 200 && !is_result(field->name);
}

/* A name that no column has. */
static const char *free_name(const struct draft *draft, const char *name, char ret[64])
{
    snprintf(ret, 64, "%s", name);
    for (int i = 2; find_shape(draft->shapes, leat_bytes_of(ret)); i++)
        snprintf(ret, 64, "%s_%d", name, i);
    return ret;
}

static void put_windowed(struct draft *draft, const struct leat_shape *number)
{
    char name[64];
    leat_buffer_format(&draft->out, "  %s: count(*) over hour\n", free_name(draft, "events_1h", name));
    if (!number)
        return;
    LEAT_CLEAN_BUFFER text = {0};
    leat_buffer_append_text(&text, "avg(");
    put_path(&text, number->name);
    leat_buffer_append_text(&text, ") over hour");
    leat_buffer_format(&draft->out, "  %s: ", free_name(draft, "average_1h", name));
    if (leat_expr_plain_name(number->name))
        leat_buffer_append(&draft->out, text.data, text.len);
    else
        leat_json_put_string(&draft->out, leat_buffer_view(&text));
    leat_buffer_append_char(&draft->out, '\n');
}

static void put_features(struct draft *draft)
{
    struct leat_buffer *out = &draft->out;
    const struct leat_shape *number = NULL;
    size_t count = 0;
    if (draft->key) {
        LEAT_CLEAN_BUFFER window = {0};
        leat_buffer_append_text(&window, "partition by ");
        put_path(&window, draft->key->name);
        leat_buffer_append_text(&window, " range 1h preceding");
        leat_buffer_append_text(out, "\nwindows:\n  hour: ");
        if (leat_expr_plain_name(draft->key->name))
            leat_buffer_append(out, window.data, window.len);
        else
            leat_json_put_string(out, leat_buffer_view(&window));
        leat_buffer_append_char(out, '\n');
    }
    leat_buffer_append_text(out, "\n# The model's inputs, by the names that it was trained with.\n");
    size_t start = out->len;
    leat_buffer_append_text(out, "features:\n");
    for (size_t i = 0; i < draft->shapes->root.count; i++) {
        const struct leat_shape *field = &draft->shapes->root.children[i];
        if (!is_feature(draft, field) || count++ >= FEATURES_SHOWN)
            continue;
        number = number ? number : field;
        leat_buffer_append_text(out, "  ");
        put_yaml(out, field->name);
        leat_buffer_append_text(out, ": ");
        put_path_value(out, field->name);
        leat_buffer_append_char(out, '\n');
    }
    if (draft->key)
        put_windowed(draft, number);
    if (count == 0 && !draft->key) {
        out->len = start;
        leat_buffer_append_text(out, "# features:\n#   name: expression\n");
    }
}

static void put_output_column(struct draft *draft, const struct leat_shape *field)
{
    if (!field)
        return;
    leat_buffer_append_text(&draft->out, "    ");
    put_yaml(&draft->out, field->name);
    leat_buffer_append_text(&draft->out, ": ");
    put_path_value(&draft->out, field->name);
    leat_buffer_append_char(&draft->out, '\n');
}

static void put_rest(struct draft *draft)
{
    struct leat_buffer *out = &draft->out;
    char name[64];
    leat_buffer_format(out,
                       "\n# With a model (leat model add %s FILE), and then `score` and `model.version` in the output:\n"
                       "# model:\n"
                       "#   name: %s\n"
                       "#   max_age: 30d\n"
                       "\n"
                       "output:\n"
                       "  topic: %s.scored\n"
                       "  value:\n",
                       draft->name, draft->name, draft->topic);
    put_output_column(draft, draft->key);
    put_output_column(draft, draft->time);
    if (draft->key) {
        free_name(draft, "events_1h", name);
        leat_buffer_format(out, "    %s: %s\n", name, name);
    }
    leat_buffer_format(out, "\nerrors.deadletterqueue.topic.name: %s.dead\n", draft->topic);
}

static void put_file(struct draft *draft)
{
    struct leat_buffer *out = &draft->out;
    const struct leat_shapes *shapes = draft->shapes;
    leat_buffer_format(
        out,
        "# Made by `leat init` from the first %llu records of topic %s. What is behind a '#' is an example or a\n"
        "# guess: read it once, then delete it. All keys: docs/reference/function-file.md\n"
        "function: %s\n\nkafka:\n",
        (unsigned long long)shapes->records, draft->topic, draft->name);
    leat_buffer_append_text(out, "  bootstrap.servers: ");
    put_yaml(out, leat_bytes_of(draft->brokers ? draft->brokers : "localhost:9092"));
    leat_buffer_format(out, "\n  group.id: %s\n\n", draft->name);
    put_input(draft);
    put_features(draft);
    put_rest(draft);
}

/* -- the command ----------------------------------------------------------------------------------------------------- */

static int open_stream(const struct leat_arguments *arguments, const char *brokers, struct leat_stream **ret,
                       struct leat_error *err)
{
    struct leat_stream_setting settings[LEAT_ARGUMENTS_MAX + 1];
    struct leat_stream_config config = {.kind = LEAT_STREAM_FILES,
                                        .client_id = "leat-init",
                                        .group = "leat-init",
                                        .folder = leat_arguments_get(arguments, "--files")};
    if (config.folder)
        return leat_stream_open(&config, ret, err);
    if (!brokers)
        return leat_error_set(
            err, LEAT_ERROR_USAGE,
            "where is the topic? --bootstrap.servers HOST:PORT, or --files DIR (see 'leat init --help')");
    struct leat_arena arena = {0};
    size_t count = 0, iterator = 0;
    const char *text;
    settings[count++] = (struct leat_stream_setting){"bootstrap.servers", brokers};
    while ((text = leat_arguments_each(arguments, "--kafka", &iterator)) && strchr(text, '=')) {
        const char *equals = strchr(text, '=');
        settings[count++] = (struct leat_stream_setting){leat_arena_copy(&arena, text, (size_t)(equals - text)),
                                                         equals + 1};
    }
    config.kind = LEAT_STREAM_KAFKA;
    config.settings = settings;
    config.setting_count = count;
    int result = text ? leat_error_set(err, LEAT_ERROR_USAGE, "--kafka '%s' is not NAME=VALUE", text)
                      : leat_stream_open(&config, ret, err);
    leat_arena_done(&arena);
    return result;
}

/* What was made is read as any function file is: a mistake here must not become the user's. */
static int write_file(struct draft *draft, const char *path, struct leat_error *err)
{
    struct leat_function *function;
    const char *name = path ? path : "the file that was made";
    if (draft->out.failed)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "no memory for the file");
    if (leat_function_parse(name, leat_buffer_view(&draft->out), &function, err) < 0)
        return -1;
    leat_function_free(function);
    if (path)
        return leat_file_write(path, leat_buffer_view(&draft->out), err);
    fwrite(draft->out.data, 1, draft->out.len, stdout);
    return 0;
}

static int make(const struct leat_arguments *arguments, struct leat_shapes *shapes, const char *brokers,
                struct leat_error *err)
{
    const char *name = leat_arguments_get(arguments, "--name");
    struct draft draft = {.topic = leat_arguments_get(arguments, "--topic"), .shapes = shapes, .brokers = brokers};
    draft.name = name ? name : draft.topic;
    if (find_time(&draft, leat_arguments_get(arguments, "--event-time"), err) < 0 ||
        find_key(&draft, leat_arguments_get(arguments, "--key"), err) < 0)
        return -1;
    put_file(&draft);
    int result = write_file(&draft, leat_arguments_get(arguments, "--out"), err);
    leat_buffer_done(&draft.out);
    return result;
}

static int run_init(const struct leat_arguments *arguments, struct leat_error *err)
{
    const char *topic = leat_arguments_get(arguments, "--topic"), *out = leat_arguments_get(arguments, "--out");
    const char *brokers = leat_arguments_get(arguments, "--bootstrap.servers");
    const char *files = leat_arguments_get(arguments, "--files");
    struct leat_stream *stream;
    struct leat_shapes shapes;
    if (!topic || arguments->positional_count > 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "it takes --topic TOPIC; see 'leat init --help'");
    if (out && leat_file_exists(out))
        return leat_error_set(err, LEAT_ERROR_USAGE, "'%s' is there already and is not written over; name another file",
                              out);
    if (open_stream(arguments, brokers, &stream, err) < 0)
        return -1;
    int result = leat_shapes_read(stream, topic, RECORDS, &shapes, err);
    leat_stream_close(stream);
    if (result < 0 && err->kind == LEAT_ERROR_ENVIRONMENT && !files)
        return leat_error_prefix(err, "%s", brokers);
    if (result < 0 && err->kind == LEAT_ERROR_FINDING && files && shapes.partitions == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "topic '%s' does not exist: there is no %s/%s.jsonl or .csv",
                              topic, files, topic);
    if (result < 0)
        return -1;
    result = make(arguments, &shapes, brokers, err);
    leat_shapes_done(&shapes);
    return result;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    bool help;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) < 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    return run_init(&arguments, &err) < 0 ? leat_command_fail(command, &err) : 0;
}

static const struct leat_option options[] = {
    {"--topic", 0, "TOPIC", "the topic whose events are to be scored"},
    {"--files", 0, "DIR", "the topic is DIR/TOPIC.jsonl (csv, gz, zst)"},
    {"--bootstrap.servers", 0, "HOST:PORT", "the topic is in Kafka"},
    {"--kafka", 0, "NAME=VALUE", "another setting of the client, such as security.protocol=SSL (repeatable)"},
    {"--key", 0, "FIELD", "the field by which the topic is partitioned (else told from the records' keys)"},
    {"--event-time", 0, "FIELD", "the field that says when it happened (else told from the values)"},
    {"--name", 0, "NAME", "the function's name (the topic's when not given)"},
    {"--out", 'o', "FILE", "where the file goes (standard output when not given)"},
    {NULL, 0, NULL, NULL},
};

const struct leat_command leat_command_init = {
    .name = "init",
    .arguments = "--topic TOPIC [--files DIR | --bootstrap.servers HOST:PORT] [-o fn.yaml]",
    .summary = "a commented function file, from a topic's real records",
    .details =
        "Looks at the first 1,000 records: which fields there are and of what types, which one is the event's time, and\n"
        "which one the topic is partitioned by. `leat check` accepts the file as it is; what remains is to say which\n"
        "features the model was trained with.\n"
        "\n"
        "example: leat init --topic transactions --files data --key card_id -o fraud.yaml",
    .options = options,
    .run = run,
};
