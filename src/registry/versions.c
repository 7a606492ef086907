/* The folder of versions.
 *
 * version.json holds the digest of the other files and ends with its own: over all of its text before that last
 * member. So one changed byte anywhere is found, and that digest stands for the whole version. A version is made in
 * a folder beside its place and renamed into it; of two who add at once, the second finds the number taken and
 * takes the next. */
#include "registry/versions.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/time.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_LEN 100
#define META_BYTES_MAX ((size_t)64 << 20)
#define PARITY_BYTES_MAX ((size_t)256 << 20)
#define ADD_TRIES 1000 /* others who add at the same time */
#define TAIL ",\n  \"digest\": \""

struct version_box {
    struct leat_version version;
    struct leat_arena arena;
};

/* ---- names and paths ---- */

static bool name_is_good(const char *name)
{
    size_t len = strlen(name);
    const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return len > 0 && len <= NAME_MAX_LEN && name[0] != '.' && strspn(name, letters) == len;
}

static int check_name(const char *name, struct leat_error *err)
{
    if (name_is_good(name))
        return 0;
    return leat_error_set(
        err, LEAT_ERROR_USAGE,
        "'%.120s' can not be a model's name: 1 to %d letters, digits, '.', '_' and '-', not beginning with '.'", name,
        NAME_MAX_LEN);
}

/* Room for any path below a registry; one that does not fit is refused when the folder is made or read. */
struct path {
    char text[PATH_MAX];
};

static struct path path_of(const char *folder, const char *name)
{
    struct path path;
    int len = snprintf(path.text, sizeof path.text, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path.text)
        snprintf(path.text, sizeof path.text, "(a path longer than %d)", PATH_MAX);
    return path;
}

static struct path version_path(const char *root, const char *name, uint32_t number)
{
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    struct path folder = path_of(root, name);
    return path_of(folder.text, text);
}

/* ---- writing version.json ---- */

static void put_text(struct leat_buffer *out, const char *name, const char *text)
{
    leat_buffer_format(out, ",\n  \"%s\": ", name);
    leat_json_put_string(out, leat_bytes_of(text));
}

static void put_time(struct leat_buffer *out, const char *name, int64_t time)
{
    char text[32];
    if (time == LEAT_TIME_NONE)
        return;
    leat_time_format(time, text);
    put_text(out, name, text);
}

static void put_metrics(struct leat_buffer *out, const struct leat_metric *metrics, size_t count)
{
    if (count == 0)
        return;
    leat_buffer_append_text(out, ",\n  \"metrics\": {");
    for (size_t i = 0; i < count; i++) {
        leat_buffer_append_text(out, i == 0 ? "" : ", ");
        leat_json_put_string(out, leat_bytes_of(metrics[i].name));
        leat_buffer_append_text(out, ": ");
        leat_json_put_double(out, metrics[i].value);
    }
    leat_buffer_append_char(out, '}');
}

/* In quotes unless they are whole numbers. */
static void put_list(struct leat_buffer *out, const char *name, const char *const *texts, size_t count, bool numbers)
{
    leat_buffer_format(out, ",\n  \"%s\": [", name);
    for (size_t i = 0; i < count; i++) {
        leat_buffer_append_text(out, i == 0 ? "" : ", ");
        if (numbers)
            leat_buffer_append_text(out, texts[i]);
        else
            leat_json_put_string(out, leat_bytes_of(texts[i]));
    }
    leat_buffer_append_char(out, ']');
}

static void put_options(struct leat_buffer *out, const struct leat_model_options *options)
{
    if (options->rounds > 0)
        leat_buffer_format(out, ",\n  \"rounds\": %zu", options->rounds);
    if (options->class_names != NULL)
        put_list(out, "classes", options->class_names, options->class_count, options->class_numbers);
}

/* What `model add` has read, checked and is about to write. */
struct addition {
    const struct leat_version_draft *draft;
    const char *const *features;
    size_t feature_count;
    const char *model_name; /* of the file: model.json, model.txt */
    struct leat_buffer model;
    struct leat_buffer parity;
    bool has_parity;
};

static void write_meta(const struct addition *a, uint32_t number, struct leat_buffer *out)
{
    const struct leat_version_draft *draft = a->draft;
    char digest[LEAT_DIGEST_TEXT];
    leat_buffer_format(out, "{\n  \"name\": \"%s\",\n  \"number\": %u", draft->name, number);
    put_time(out, "added_at", draft->added_at);
    put_time(out, "trained_at", draft->trained_at);
    if (!isnan(draft->threshold)) {
        leat_buffer_append_text(out, ",\n  \"threshold\": ");
        leat_json_put_double(out, draft->threshold);
    }
    put_metrics(out, draft->metrics, draft->metric_count);
    put_options(out, &draft->options);
    put_list(out, "features", a->features, a->feature_count, false);
    if (draft->note != NULL)
        put_text(out, "note", draft->note);
    leat_digest(leat_buffer_view(&a->model), digest);
    leat_buffer_format(out, ",\n  \"files\": {\"%s\": \"%s\"", a->model_name, digest);
    leat_digest(leat_buffer_view(&a->parity), digest);
    if (a->has_parity)
        leat_buffer_format(out, ", \"parity.jsonl\": \"%s\"", digest);
    leat_buffer_append_char(out, '}');
    leat_digest(leat_buffer_view(out), digest);
    leat_buffer_format(out, TAIL "%s\"\n}\n", digest);
}

/* ---- folders ---- */

static int sync_folder(const char *path, struct leat_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = fd < 0 ? -1 : fsync(fd);
    if (fd >= 0)
        close(fd);
    /* Some file systems can not sync a folder. */
    if (status != 0 && errno != EINVAL && errno != EROFS)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not sync the folder '%s': %s", path, strerror(errno));
    return 0;
}

/* Of what add_folder wrote; nothing else is ever removed. */
static void remove_folder(const char *folder, const char *model_name)
{
    const char *const names[] = {model_name, "parity.jsonl", "version.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_of(folder, names[i]).text);
    rmdir(folder);
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool number_of(const char *name, uint32_t *ret)
{
    int64_t number;
    if (name[0] < '1' || name[0] > '9' || leat_int_parse(leat_bytes_of(name), &number) != 0 || number > UINT32_MAX)
        return false;
    *ret = (uint32_t)number;
    return true;
}

int leat_registry_numbers(const char *root, const char *name, uint32_t **ret, size_t *ret_count, struct leat_error *err)
{
    if (check_name(name, err) != 0)
        return -1;
    struct path folder = path_of(root, name);
    DIR *dir = opendir(folder.text);
    if (dir == NULL && errno != ENOENT && errno != ENOTDIR)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not read the folder '%s': %s", folder.text,
                              strerror(errno));
    uint32_t *numbers = NULL;
    size_t count = 0;
    size_t room = 0;
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        uint32_t number;
        if (!number_of(entry->d_name, &number))
            continue;
        if (count == room) {
            room = room * 2 + 16;
            numbers = leat_realloc(numbers, room, sizeof *numbers);
        }
        numbers[count++] = number;
    }
    if (dir != NULL)
        closedir(dir);
    if (count > 0)
        qsort(numbers, count, sizeof *numbers, compare_numbers);
    *ret = numbers;
    *ret_count = count;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_versions(const char *root, const char *name)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    struct leat_error ignored = {0};
    if (leat_registry_numbers(root, name, &numbers, &count, &ignored) != 0)
        return false;
    free(numbers);
    return count > 0;
}

/* Names and, behind the pointers, their texts in one block. */
static char **pack_names(struct leat_buffer *texts, size_t count)
{
    char **names = leat_malloc(count * sizeof *names + texts->len);
    char *text = (char *)(names + count);
    if (texts->len > 0)
        memcpy(text, texts->data, texts->len);
    for (size_t i = 0; i < count; i++) {
        names[i] = text;
        text += strlen(text) + 1;
    }
    qsort(names, count, sizeof *names, compare_names);
    return names;
}

int leat_registry_names(const char *root, char ***ret, size_t *ret_count, struct leat_error *err)
{
    DIR *dir = opendir(root);
    if (dir == NULL && errno != ENOENT)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not read the folder '%s': %s", root, strerror(errno));
    LEAT_CLEAN_BUFFER texts = {0};
    size_t count = 0;
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (!name_is_good(entry->d_name) || !has_versions(root, entry->d_name))
            continue;
        leat_buffer_append(&texts, entry->d_name, strlen(entry->d_name) + 1);
        count++;
    }
    if (dir != NULL)
        closedir(dir);
    *ret = pack_names(&texts, count);
    *ret_count = count;
    return 0;
}

/* ---- adding ---- */

/* Names given by hand: good, each once, and not the model file's own in another order, which is a mistake. */
static int check_given(const struct leat_model_info *info, const char *const *names, const struct leat_map *places,
                       struct leat_error *err)
{
    size_t known = 0;
    size_t moved = SIZE_MAX;
    if (leat_map_count(places) != info->feature_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "of the %zu features given, some have the same name",
                              info->feature_count);
    for (size_t i = 0; i < info->feature_count; i++) {
        if (names[i][0] == '\0' || !leat_utf8_valid(leat_bytes_of(names[i])))
            return leat_error_set(err, LEAT_ERROR_FINDING, "the name of feature %zu is empty or not UTF-8", i + 1);
        if (info->feature_names == NULL)
            continue;
        known += leat_map_find(places, leat_bytes_of(info->feature_names[i])) != NULL;
        if (moved == SIZE_MAX && strcmp(names[i], info->feature_names[i]) != 0)
            moved = i;
    }
    if (known != info->feature_count || moved == SIZE_MAX)
        return 0;
    return leat_error_set(
        err, LEAT_ERROR_FINDING,
        "the features given are the model file's in another order: number %zu is '%s', in the file it is '%s'",
        moved + 1, names[moved], info->feature_names[moved]);
}

int leat_registry_check_features(const struct leat_model_info *info, const char *const *names, size_t count,
                                 struct leat_error *err)
{
    if (count != info->feature_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%zu features are given, but the model has %zu", count,
                              info->feature_count);
    struct leat_map *places = leat_map_new();
    for (size_t i = 0; i < count; i++)
        *leat_map_put(places, leat_bytes_of(names[i]), NULL) = i;
    int status = check_given(info, names, places, err);
    leat_map_free(places);
    return status;
}

/* The names that are told, or the model file's (kept beyond the model's life), or f0, f1, … */
static int choose_features(struct addition *a, const struct leat_model_info *info, struct leat_arena *arena,
                           struct leat_error *err)
{
    a->feature_count = info->feature_count;
    if (a->draft->feature_names != NULL) {
        a->features = a->draft->feature_names;
        return leat_registry_check_features(info, a->features, a->draft->feature_count, err);
    }
    const char **kept = leat_arena_zalloc(arena, info->feature_count, sizeof *kept);
    for (size_t i = 0; i < info->feature_count; i++)
        kept[i] = info->feature_names == NULL ? leat_arena_format(arena, "f%zu", i)
                                              : leat_arena_strdup(arena, info->feature_names[i]);
    a->features = kept;
    return 0;
}

/* The name that a model file has in its folder. */
static const char *file_name_of(const char *format)
{
    static const struct {
        const char *format, *name;
    } names[] = {{"lightgbm-text", "model.txt"}, {"xgboost-ubjson", "model.ubj"}, {"onnx", "model.onnx"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].format, format) == 0)
            return names[i].name;
    return "model.json";
}

static int check_addition(struct addition *a, struct leat_arena *arena, struct leat_error *err)
{
    struct leat_model *model = NULL;
    size_t rows = 0;
    if (leat_model_load(a->draft->model_file, leat_buffer_view(&a->model), &a->draft->options, &model, err) != 0)
        return -1;
    a->model_name = file_name_of(leat_model_info(model)->format);
    int status = choose_features(a, leat_model_info(model), arena, err);
    if (status == 0 && a->has_parity)
        status = leat_parity_check(model, a->features, leat_buffer_view(&a->parity), &rows, err);
    if (status == 0 && a->has_parity && rows == 0)
        status = leat_error_set(err, LEAT_ERROR_FINDING, "'%s' has no parity rows", a->draft->parity_file);
    leat_model_unref(model);
    return status;
}

static int next_number(const char *root, const char *name, uint32_t *ret, struct leat_error *err)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (leat_registry_numbers(root, name, &numbers, &count, err) != 0)
        return -1;
    uint32_t last = count == 0 ? 0 : numbers[count - 1];
    free(numbers);
    if (last == UINT32_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "model '%s' has the last possible version", name);
    *ret = last + 1;
    return 0;
}

/* Writes version.json for the next free number and renames the folder to it; again while others are faster. */
static int settle(const struct addition *a, const char *root, const char *folder, uint32_t *ret_number,
                  struct leat_error *err)
{
    for (int tries = 0; tries < ADD_TRIES; tries++) {
        LEAT_CLEAN_BUFFER meta = {0};
        uint32_t number = 0;
        if (next_number(root, a->draft->name, &number, err) != 0)
            return -1;
        write_meta(a, number, &meta);
        struct path place = version_path(root, a->draft->name, number);
        if (leat_file_write(path_of(folder, "version.json").text, leat_buffer_view(&meta), err) != 0)
            return -1;
        if (rename(folder, place.text) == 0) {
            *ret_number = number;
            return sync_folder(path_of(root, a->draft->name).text, err);
        }
        if (errno != EEXIST && errno != ENOTEMPTY)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not rename '%s' to '%s': %s", folder, place.text,
                                  strerror(errno));
    }
    return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "others kept adding versions of '%s' %d times over",
                          a->draft->name, ADD_TRIES);
}

static int write_files(const struct addition *a, const char *root, const char *folder, uint32_t *ret_number,
                       struct leat_error *err)
{
    if (leat_file_write(path_of(folder, a->model_name).text, leat_buffer_view(&a->model), err) != 0)
        return -1;
    if (a->has_parity && leat_file_write(path_of(folder, "parity.jsonl").text, leat_buffer_view(&a->parity), err) != 0)
        return -1;
    return settle(a, root, folder, ret_number, err);
}

static int add_folder(const struct addition *a, const char *root, uint32_t *ret_number, struct leat_error *err)
{
    uint64_t random;
    char name[40];
    struct path models = path_of(root, a->draft->name);
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "no random numbers: %s", strerror(errno));
    snprintf(name, sizeof name, ".adding-%016llx", (unsigned long long)random);
    struct path folder = path_of(models.text, name);
    if (leat_folder_make(folder.text, err) != 0)
        return -1;
    int status = write_files(a, root, folder.text, ret_number, err);
    if (status != 0) {
        remove_folder(folder.text, a->model_name);
        rmdir(models.text); /* only when it is empty */
    }
    return status;
}

int leat_registry_add(const char *root, const struct leat_version_draft *draft, uint32_t *ret_number,
                      struct leat_error *err)
{
    struct addition addition = {.draft = draft, .has_parity = draft->parity_file != NULL};
    struct leat_arena arena = {0};
    int status = check_name(draft->name, err);
    if (status == 0)
        status = leat_file_read(draft->model_file, LEAT_MODEL_BYTES_MAX, &addition.model, err);
    if (status == 0 && addition.has_parity)
        status = leat_file_read(draft->parity_file, PARITY_BYTES_MAX, &addition.parity, err);
    if (status == 0)
        status = check_addition(&addition, &arena, err);
    if (status == 0)
        status = add_folder(&addition, root, ret_number, err);
    leat_buffer_done(&addition.model);
    leat_buffer_done(&addition.parity);
    leat_arena_done(&arena);
    return status;
}

/* ---- loading ---- */

/* Checks version.json's own digest, which is its last member. */
static int check_meta(struct leat_bytes text, char ret_digest[LEAT_DIGEST_TEXT])
{
    size_t tail = strlen(TAIL) + LEAT_DIGEST_TEXT - 1 + strlen("\"\n}\n");
    if (text.len <= tail)
        return -1;
    const char *at = text.data + text.len - tail;
    LEAT_CLEAN_BUFFER expected = {0};
    leat_digest((struct leat_bytes){text.data, text.len - tail}, ret_digest);
    leat_buffer_format(&expected, TAIL "%s\"\n}\n", ret_digest);
    return leat_bytes_equal(leat_buffer_view(&expected), (struct leat_bytes){at, tail}) ? 0 : -1;
}

static int64_t time_member(const struct leat_json *meta, const char *name)
{
    int64_t time;
    const char *text = leat_json_text(leat_json_get(meta, name), NULL);
    return text != NULL && leat_time_parse(leat_bytes_of(text), &time) == 0 ? time : LEAT_TIME_NONE;
}

static int read_features(struct version_box *box, const struct leat_json *meta, struct leat_error *err)
{
    const struct leat_json *features = leat_json_get(meta, "features");
    if (features == NULL || features->type != LEAT_JSON_ARRAY)
        return leat_error_set(err, LEAT_ERROR_FINDING, "version.json has no array \"features\"");
    const char **names = leat_arena_zalloc(&box->arena, features->count, sizeof *names);
    for (uint32_t i = 0; i < features->count; i++) {
        const char *name = leat_json_text(&features->as.elements[i], NULL);
        if (name == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "version.json: feature %u is not a name", i + 1);
        names[i] = leat_arena_strdup(&box->arena, name);
    }
    box->version.feature_names = names;
    box->version.feature_count = features->count;
    return 0;
}

static void read_metrics(struct version_box *box, const struct leat_json *meta)
{
    const struct leat_json *metrics = leat_json_get(meta, "metrics");
    if (metrics == NULL || metrics->type != LEAT_JSON_OBJECT)
        return;
    struct leat_metric *list = leat_arena_zalloc(&box->arena, metrics->count, sizeof *list);
    for (uint32_t i = 0; i < metrics->count; i++) {
        struct leat_metric *metric = &list[box->version.metric_count];
        metric->name = leat_arena_strdup(&box->arena, metrics->as.members[i].name.data);
        box->version.metric_count += leat_json_number(&metrics->as.members[i].value, &metric->value);
    }
    box->version.metrics = list;
}

static int read_meta(struct version_box *box, const struct leat_json *meta, const char *name, uint32_t number,
                     struct leat_error *err)
{
    struct leat_version *version = &box->version;
    int64_t own_number = 0;
    leat_json_integer(leat_json_get(meta, "number"), &own_number);
    if (strcmp(leat_json_text(leat_json_get(meta, "name"), ""), name) != 0 || own_number != (int64_t)number)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "version.json is of model '%.120s' version %lld: the folder was moved",
                              leat_json_text(leat_json_get(meta, "name"), ""), (long long)own_number);
    version->name = leat_arena_strdup(&box->arena, name);
    version->number = number;
    version->added_at = time_member(meta, "added_at");
    version->trained_at = time_member(meta, "trained_at");
    version->threshold = (double)NAN;
    leat_json_number(leat_json_get(meta, "threshold"), &version->threshold);
    version->note = leat_arena_strdup(&box->arena, leat_json_text(leat_json_get(meta, "note"), NULL));
    read_metrics(box, meta);
    return read_features(box, meta, err);
}

static int read_checked(const char *folder, const char *name, size_t max, const struct leat_json *files,
                        struct leat_buffer *ret, struct leat_error *err)
{
    char digest[LEAT_DIGEST_TEXT];
    const char *expected = leat_json_text(leat_json_get(files, name), "");
    if (leat_file_read(path_of(folder, name).text, max, ret, err) != 0)
        return -1;
    leat_digest(leat_buffer_view(ret), digest);
    if (strcmp(digest, expected) != 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "'%s' was changed: its digest is %s, version.json says %s", name,
                              digest, expected);
    return 0;
}

/* "rounds" and "classes"; the texts are the box's. */
static int read_options(struct version_box *box, const struct leat_json *meta, struct leat_model_options *ret,
                        struct leat_error *err)
{
    int64_t rounds = 0;
    const struct leat_json *classes = leat_json_get(meta, "classes");
    if (leat_json_get(meta, "rounds") != NULL &&
        (!leat_json_integer(leat_json_get(meta, "rounds"), &rounds) || rounds < 1))
        return leat_error_set(err, LEAT_ERROR_FINDING, "version.json: \"rounds\" is not a number from 1");
    *ret = (struct leat_model_options){.rounds = (size_t)rounds};
    if (classes == NULL || classes->type != LEAT_JSON_ARRAY)
        return 0;
    const char **names = leat_arena_zalloc(&box->arena, classes->count + 1, sizeof *names);
    ret->class_numbers = true;
    for (uint32_t i = 0; i < classes->count; i++) {
        const struct leat_json *class = &classes->as.elements[i];
        ret->class_numbers &= class->type == LEAT_JSON_INT;
        names[i] = class->type == LEAT_JSON_INT ? leat_arena_format(&box->arena, "%lld", (long long)class->as.integer)
                                                : leat_arena_strdup(&box->arena, leat_json_text(class, ""));
    }
    ret->class_names = names;
    ret->class_count = classes->count;
    return 0;
}

/* The one of the files that is the model. */
static const char *model_file_of(const struct leat_json *files)
{
    for (uint32_t i = 0; files != NULL && files->type == LEAT_JSON_OBJECT && i < files->count; i++) {
        const char *name = files->as.members[i].name.data;
        if (strncmp(name, "model.", 6) == 0 && strchr(name, '/') == NULL)
            return name;
    }
    return "model.json";
}

static int load_model(struct version_box *box, const char *folder, const struct leat_json *meta, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER content = {0};
    struct leat_model_options options;
    const struct leat_json *files = leat_json_get(meta, "files");
    const char *name = model_file_of(files);
    if (read_options(box, meta, &options, err) != 0 ||
        read_checked(folder, name, LEAT_MODEL_BYTES_MAX, files, &content, err) != 0 ||
        leat_model_load(name, leat_buffer_view(&content), &options, &box->version.model, err) != 0)
        return -1;
    const struct leat_model_info *info = leat_model_info(box->version.model);
    if (info->feature_count != box->version.feature_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "version.json has %zu features, the model %zu",
                              box->version.feature_count, info->feature_count);
    return 0;
}

static int check_parity(struct version_box *box, const char *folder, const struct leat_json *files,
                        struct leat_error *err)
{
    LEAT_CLEAN_BUFFER rows = {0};
    if (leat_json_get(files, "parity.jsonl") == NULL)
        return 0;
    if (read_checked(folder, "parity.jsonl", PARITY_BYTES_MAX, files, &rows, err) != 0)
        return -1;
    struct leat_version *version = &box->version;
    if (leat_parity_check(version->model, version->feature_names, leat_buffer_view(&rows), &version->parity_rows,
                          err) != 0)
        return -1;
    version->background_count = leat_parity_background(version->model, version->feature_names, leat_buffer_view(&rows),
                                                       &box->arena, &version->background);
    return 0;
}

static int load_parts(struct version_box *box, const char *folder, const struct leat_json *meta, const char *name,
                      uint32_t number, struct leat_error *err)
{
    if (read_meta(box, meta, name, number, err) != 0 || load_model(box, folder, meta, err) != 0)
        return -1;
    return check_parity(box, folder, leat_json_get(meta, "files"), err);
}

static int load_folder(struct version_box *box, const char *folder, const char *name, uint32_t number,
                       struct leat_error *err)
{
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_json_document *meta = NULL;
    if (leat_file_read(path_of(folder, "version.json").text, META_BYTES_MAX, &text, err) != 0)
        return -1;
    if (check_meta(leat_buffer_view(&text), box->version.digest) != 0)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "'version.json' was changed: its digest at the end is not its own");
    if (leat_json_parse(leat_buffer_view(&text), LEAT_JSON_STRICT, &meta, err) != 0)
        return leat_error_prefix(err, "version.json");
    int status = load_parts(box, folder, leat_json_root(meta), name, number, err);
    leat_json_free(meta);
    return status;
}

static int refuse_absent(const char *root, const char *name, uint32_t number, struct leat_error *err)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (leat_registry_numbers(root, name, &numbers, &count, err) != 0)
        return -1;
    uint32_t last = count == 0 ? 0 : numbers[count - 1];
    free(numbers);
    if (count == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "there is no model '%s' in '%s'", name, root);
    return leat_error_set(err, LEAT_ERROR_FINDING, "model '%s' has no version %u; the newest is %u", name, number, last);
}

/* The version is the box's first member. */
static void release(struct leat_version *version)
{
    struct version_box *box = (struct version_box *)version;
    leat_model_unref(version->model);
    leat_arena_done(&box->arena);
    free(box);
}

int leat_registry_load(const char *root, const char *name, uint32_t number, struct leat_version **ret,
                       struct leat_error *err)
{
    if (check_name(name, err) != 0)
        return -1;
    struct path folder = version_path(root, name, number);
    if (!leat_file_exists(folder.text))
        return refuse_absent(root, name, number, err);
    struct version_box *box = leat_calloc(1, sizeof *box);
    box->version.references = 1;
    box->version.release = release;
    if (load_folder(box, folder.text, name, number, err) != 0) {
        leat_version_unref(&box->version);
        return leat_error_prefix(err, "model '%s' version %u", name, number);
    }
    *ret = &box->version;
    return 0;
}

int leat_registry_parity(const char *root, const char *name, uint32_t number, struct leat_buffer *ret,
                         struct leat_error *err)
{
    if (check_name(name, err) != 0)
        return -1;
    struct path folder = version_path(root, name, number);
    struct path file = path_of(folder.text, "parity.jsonl");
    return leat_file_exists(file.text) ? leat_file_read(file.text, PARITY_BYTES_MAX, ret, err) : 0;
}
