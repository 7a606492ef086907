/* leat model list|show|verify: what the registry holds. */
#include "cmd/model.h"

#include "base/json.h"
#include "registry/versions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* An array of names; null when there are none. */
static void put_names(struct leat_buffer *out, const char *name, const char *const *names, size_t count)
{
    leat_put_name(out, name);
    if (names == NULL) {
        leat_buffer_append_text(out, "null");
        return;
    }
    leat_buffer_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        leat_buffer_append_text(out, i == 0 ? "" : ", ");
        leat_json_put_string(out, leat_bytes_of(names[i]));
    }
    leat_buffer_append_char(out, ']');
}

static enum leat_feature_kind kind_of(const struct leat_model_info *info, size_t feature)
{
    return info->feature_kinds == NULL ? LEAT_FEATURE_NUMBER : info->feature_kinds[feature];
}

static void put_kinds(struct leat_buffer *out, const struct leat_model_info *info)
{
    leat_put_name(out, "feature_kinds");
    leat_buffer_append_char(out, '[');
    for (size_t i = 0; i < info->feature_count; i++)
        leat_buffer_format(out, "%s\"%s\"", i == 0 ? "" : ", ", leat_feature_kind_name(kind_of(info, i)));
    leat_buffer_append_char(out, ']');
}

static void put_version(struct leat_buffer *out, const struct leat_version *version)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    leat_buffer_append_char(out, '{');
    leat_put_text(out, "name", version->name);
    leat_put_count(out, "version", version->number);
    leat_put_text(out, "digest", version->digest);
    leat_put_time(out, "trained_at", version->trained_at);
    leat_put_time(out, "added_at", version->added_at);
    leat_put_text(out, "parity", version->parity_rows > 0 ? "passed" : "unverified");
    leat_put_count(out, "parity_rows", version->parity_rows);
    leat_put_text(out, "format", info->format);
    leat_put_text(out, "objective", info->objective);
    leat_put_text(out, "kernel", info->kernel);
    leat_put_count(out, "trees", info->tree_count);
    leat_put_count(out, "nodes", info->node_count);
    leat_put_count(out, "memory_bytes", info->bytes);
    leat_put_count(out, "outputs", info->output_count);
    leat_put_count(out, "classes", info->class_count);
    put_names(out, "class_names", info->class_names, info->class_count);
    put_names(out, "output_names", info->output_names, info->output_count);
    if (leat_version_explains(version))
        leat_put_text(out, "explanation", info->explanation);
    leat_put_name(out, "threshold");
    leat_json_put_double(out, version->threshold);
    leat_put_name(out, "metrics");
    leat_buffer_append_char(out, '{');
    for (size_t i = 0; i < version->metric_count; i++) {
        leat_put_name(out, version->metrics[i].name);
        leat_json_put_double(out, version->metrics[i].value);
    }
    leat_buffer_append_char(out, '}');
    put_names(out, "features", version->feature_names, version->feature_count);
    put_kinds(out, info);
    if (version->note != NULL)
        leat_put_text(out, "note", version->note);
    leat_buffer_append_char(out, '}');
}

static void show_parity(const struct leat_version *version)
{
    if (version->parity_rows > 0)
        printf("parity      %zu rows of the trainer's score the same here\n", version->parity_rows);
    else
        printf("parity      unverified: it was added without the trainer's rows\n");
}

/* ": red, green, …" of at most ten. */
static void show_names(const char *const *names, size_t count)
{
    for (size_t i = 0; names != NULL && i < count && i < 10; i++)
        printf("%s%s", i == 0 ? ": " : ", ", names[i]);
    if (names != NULL && count > 10)
        printf(", …");
}

/* An approximate way looks at the parity rows. */
static const char *explanation_of(const struct leat_version *version)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    if (info->explanation == NULL)
        return "no";
    return leat_version_explains(version) ? info->explanation : "no: occlusion needs parity rows";
}

static void show_version(const struct leat_version *version)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    char trained[32];
    char added[32];
    char number[32];
    leat_show_time(version->trained_at, trained);
    leat_show_time(version->added_at, added);
    printf("model       %s version %u\n", version->name, version->number);
    printf("digest      %s\n", version->digest);
    printf("trained at  %s\nadded at    %s\n", trained, added);
    show_parity(version);
    printf("format      %s, objective %s\n", info->format, info->objective);
    printf("kernel      %s\n", info->kernel);
    printf("size        %zu trees, %zu nodes, %zu bytes of memory\n", info->tree_count, info->node_count, info->bytes);
    printf("outputs     %zu a row", info->output_count);
    show_names(info->output_names, info->output_count);
    if (info->class_count > 0) {
        printf("\nclasses     %zu", info->class_count);
        show_names(info->class_names, info->class_count);
    }
    printf("\nexplained   %s\n", explanation_of(version));
    leat_double_format(version->threshold, number);
    printf("threshold   %s\n", isnan(version->threshold) ? "-" : number);
    for (size_t i = 0; i < version->metric_count; i++) {
        leat_double_format(version->metrics[i].value, number);
        printf("%s%s = %s\n", i == 0 ? "metrics     " : "            ", version->metrics[i].name, number);
    }
    if (version->note != NULL)
        printf("note        %s\n", version->note);
    printf("features    %zu\n", version->feature_count);
    for (size_t i = 0; i < version->feature_count; i++)
        printf(kind_of(info, i) == LEAT_FEATURE_NUMBER ? "%11zu %s\n" : "%11zu %s (%s)\n", i + 1,
               version->feature_names[i], leat_feature_kind_name(kind_of(info, i)));
}

/* What happens to each version of a name; `refused` has the reason when it did not load, and version is NULL. */
typedef void (*version_visitor)(const char *name, uint32_t number, const struct leat_version *version,
                                const struct leat_error *refused, struct leat_buffer *json);

static bool visit(const char *root, const char *name, uint32_t number, version_visitor visitor, struct leat_buffer *json)
{
    struct leat_version *version = NULL;
    struct leat_error err = {0};
    bool good = leat_registry_load(root, name, number, &version, &err) == 0;
    visitor(name, number, version, &err, json);
    leat_version_unref(version);
    return good;
}

static int visit_name(const char *root, const char *name, version_visitor visitor, struct leat_buffer *json,
                      size_t *ret_refused, struct leat_error *err)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (leat_registry_numbers(root, name, &numbers, &count, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        *ret_refused += !visit(root, name, numbers[i], visitor, json);
    free(numbers);
    return count > 0 ? 0 : leat_error_set(err, LEAT_ERROR_FINDING, "there is no model '%s' in '%s'", name, root);
}

static int visit_all(const char *root, version_visitor visitor, struct leat_buffer *json, size_t *ret_refused,
                     struct leat_error *err)
{
    char **names = NULL;
    size_t count = 0;
    int status = leat_registry_names(root, &names, &count, err);
    for (size_t i = 0; i < count && status == 0; i++)
        status = visit_name(root, names[i], visitor, json, ret_refused, err);
    free(names);
    return status;
}

static void put_refused(struct leat_buffer *json, const char *name, uint32_t number, const struct leat_error *refused)
{
    leat_buffer_append_char(json, '{');
    leat_put_text(json, "name", name);
    leat_put_count(json, "version", number);
    leat_put_text(json, "refused", refused->text);
    leat_buffer_append_char(json, '}');
}

static void list_json(const char *name, uint32_t number, const struct leat_version *version,
                      const struct leat_error *refused, struct leat_buffer *json)
{
    leat_buffer_append_text(json, json->len == 0 ? "[" : ",\n ");
    if (version == NULL) {
        put_refused(json, name, number, refused);
        return;
    }
    LEAT_CLEAN_BUFFER one = {0};
    put_version(&one, version);
    leat_buffer_append(json, one.data, one.len);
}

static void list_line(const char *name, uint32_t number, const struct leat_version *version,
                      const struct leat_error *refused, struct leat_buffer *json)
{
    char trained[32];
    (void)json;
    if (version == NULL) {
        printf("%-20s %7u  refused: %s\n", name, number, refused->text);
        return;
    }
    const struct leat_model_info *info = leat_model_info(version->model);
    leat_show_time(version->trained_at, trained);
    printf("%-20s %7u  %-20s  %-10s  %8zu  %5zu  %.8s  %s\n", name, number, trained,
           version->parity_rows > 0 ? "passed" : "unverified", info->feature_count, info->tree_count, version->digest,
           info->objective);
}

static void verify_line(const char *name, uint32_t number, const struct leat_version *version,
                        const struct leat_error *refused, struct leat_buffer *json)
{
    (void)json;
    if (version == NULL)
        printf("not ok %s %u: %s\n", name, number, refused->text);
    else if (version->parity_rows == 0)
        printf("ok %s %u: unchanged; unverified (it has no parity rows)\n", name, number);
    else
        printf("ok %s %u: unchanged; %zu parity rows agree\n", name, number, version->parity_rows);
}

static int run_list(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    LEAT_CLEAN_BUFFER out = {0};
    size_t refused = 0;
    int code;
    if (!leat_model_begin(command, argc, argv, 0, 1, &arguments, &code))
        return code;
    bool json = leat_arguments_get(&arguments, "--json") != NULL;
    const char *root = leat_registry_of(&arguments);
    if (!json)
        printf("%-20s %7s  %-20s  %-10s  %8s  %5s  %-8s  %s\n", "model", "version", "trained at", "parity", "features",
               "trees", "digest", "objective");
    int status = arguments.positional_count == 1
                     ? visit_name(root, arguments.positional[0], json ? list_json : list_line, &out, &refused, &err)
                     : visit_all(root, json ? list_json : list_line, &out, &refused, &err);
    if (status != 0)
        return leat_command_fail(command, &err);
    if (json)
        printf("%s]\n", out.len == 0 ? "[" : leat_buffer_text(&out));
    return refused == 0 ? 0 : LEAT_ERROR_FINDING;
}

static const struct leat_option list_options[] = {OPTION_JSON, OPTION_REGISTRY, {0}};

const struct leat_command leat_command_model_list = {
    .name = "model list",
    .arguments = "[NAME] [--json]",
    .summary = "list the versions",
    .details = "Each version is loaded and checked; one that is refused is listed with the reason, and the exit code is 1.\n\n"
               "example:\n  leat model list fraud",
    .options = list_options,
    .run = run_list,
};

static int run_show(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    struct leat_version *version = NULL;
    LEAT_CLEAN_BUFFER out = {0};
    uint32_t number = 0;
    int code;
    if (!leat_model_begin(command, argc, argv, 1, 2, &arguments, &code))
        return code;
    const char *root = leat_registry_of(&arguments);
    const char *name = arguments.positional[0];
    int status = arguments.positional_count == 2 ? leat_parse_version(arguments.positional[1], &number, &err)
                                                 : leat_newest_version(root, name, &number, &err);
    if (status != 0 || leat_registry_load(root, name, number, &version, &err) != 0)
        return leat_command_fail(command, &err);
    if (leat_arguments_get(&arguments, "--json") != NULL) {
        put_version(&out, version);
        printf("%s\n", leat_buffer_text(&out));
    } else {
        show_version(version);
    }
    leat_version_unref(version);
    return 0;
}

const struct leat_command leat_command_model_show = {
    .name = "model show",
    .arguments = "NAME [VERSION] [--json]",
    .summary = "show all that is known of a version (the newest, if not told)",
    .details = "example:\n  leat model show fraud 3",
    .options = list_options,
    .run = run_show,
};

static int run_verify(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    LEAT_CLEAN_BUFFER out = {0};
    uint32_t number = 0;
    size_t refused = 0;
    int code;
    if (!leat_model_begin(command, argc, argv, 1, 2, &arguments, &code))
        return code;
    bool json = leat_arguments_get(&arguments, "--json") != NULL;
    const char *root = leat_registry_of(&arguments);
    version_visitor visitor = json ? list_json : verify_line;
    if (arguments.positional_count == 2) {
        if (leat_parse_version(arguments.positional[1], &number, &err) != 0)
            return leat_command_fail(command, &err);
        refused += !visit(root, arguments.positional[0], number, visitor, &out);
    } else if (visit_name(root, arguments.positional[0], visitor, &out, &refused, &err) != 0) {
        return leat_command_fail(command, &err);
    }
    if (json)
        printf("%s]\n", leat_buffer_text(&out));
    return refused == 0 ? 0 : LEAT_ERROR_FINDING;
}

const struct leat_command leat_command_model_verify = {
    .name = "model verify",
    .arguments = "NAME [VERSION] [--json]",
    .summary = "check a version's files and the trainer's rows again (all versions, if not told)",
    .details = "example:\n  leat model verify fraud",
    .options = list_options,
    .run = run_verify,
};
