/* leat model add: a model file becomes the next version. */
#include "cmd/model.h"

#include "base/json.h"
#include "base/time.h"
#include "cmd/model_draft.h"
#include "registry/versions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- what was told by options ---- */

static int take_options(struct leat_draft *memory, const struct leat_arguments *arguments, struct leat_error *err)
{
    struct leat_version_draft *draft = &memory->draft;
    const char *trained_at = leat_arguments_get(arguments, "--trained-at");
    const char *threshold = leat_arguments_get(arguments, "--threshold");
    const char *features = leat_arguments_get(arguments, "--features");
    const char *rounds = leat_arguments_get(arguments, "--rounds");
    const char *parity = leat_arguments_get(arguments, "--parity");
    const char *note = leat_arguments_get(arguments, "--note");
    if (trained_at != NULL && leat_draft_trained_at(memory, trained_at, "--trained-at", err) != 0)
        return -1;
    if (threshold != NULL && leat_double_parse(leat_bytes_of(threshold), &draft->threshold) != 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--threshold %s: a number belongs there", threshold);
    if (rounds != NULL && leat_draft_rounds_text(memory, rounds, err) != 0)
        return -1;
    if (features != NULL)
        leat_draft_features(memory, features);
    draft->parity_file = parity != NULL ? parity : draft->parity_file;
    draft->note = note != NULL ? note : draft->note;
    size_t iterator = 0;
    for (const char *metric; (metric = leat_arguments_each(arguments, "--metric", &iterator)) != NULL;)
        if (leat_draft_metric(memory, metric, err) != 0)
            return -1;
    return 0;
}

/* The folder, then --meta, then options: what is told later counts more. */
static int fill_draft(struct leat_draft *memory, const struct leat_arguments *arguments, struct leat_error *err)
{
    const char *meta = leat_arguments_get(arguments, "--meta");
    if (leat_draft_folder(memory, arguments->positional[1], leat_arguments_get(arguments, "--from"), err) != 0)
        return -1;
    if (meta != NULL && leat_draft_meta(memory, meta, err) != 0)
        return -1;
    return take_options(memory, arguments, err);
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * LEAT_SECOND + now.tv_nsec / 1000;
}

/* The trainer's rows prove how many rounds count; without them it is worth a word. */
static void note_rounds(const struct leat_command *command, const char *root, const char *name, uint32_t number)
{
    struct leat_version *version = NULL;
    struct leat_error err = {0};
    if (leat_registry_load(root, name, number, &version, &err) == 0)
        leat_note_rounds(command, name, leat_model_info(version->model));
    leat_version_unref(version);
}

static int add(const struct leat_command *command, const struct leat_arguments *arguments, struct leat_error *err)
{
    const char *root = leat_registry_of(arguments);
    uint32_t number = 0;
    struct leat_draft memory = {.command = command,
                                .draft = {
                                    .name = arguments->positional[0],
                                    .model_file = arguments->positional[1],
                                    .trained_at = LEAT_TIME_NONE,
                                    .added_at = now_us(),
                                    .threshold = (double)NAN,
                                }};
    int status = fill_draft(&memory, arguments, err);
    if (status == 0)
        status = leat_registry_add(root, &memory.draft, &number, err);
    if (status == 0)
        printf("added model '%s' version %u%s\n", memory.draft.name, number,
               memory.draft.parity_file == NULL ? " (unverified: no --parity rows)" : "");
    if (status == 0 && memory.draft.parity_file == NULL && memory.draft.options.rounds == 0)
        note_rounds(command, root, memory.draft.name, number);
    leat_arena_done(&memory.arena);
    return status;
}

static int run_add(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    int code;
    if (!leat_model_begin(command, argc, argv, 2, 2, &arguments, &code))
        return code;
    if (add(command, &arguments, &err) != 0)
        return leat_command_fail(command, &err);
    return 0;
}

static const struct leat_option add_options[] = {
    {"--parity", 0, "ROWS.jsonl", "the trainer's own rows and scores, checked now and at every load"},
    {"--from", 0, "mlflow", "FILE is a model folder of MLflow's (folders are told apart without it)"},
    {"--meta", 0, "FILE.json",
     "{\"trained_at\", \"threshold\", \"metrics\": {}, \"features\": [], \"classes\": [], \"rounds\"}"},
    {"--rounds", 0, "N", "XGBoost: only the first N boosting rounds (best_iteration + 1)"},
    {"--trained-at", 0, "TIME", "the end of what it was trained on"},
    {"--threshold", 0, "X", "the decision threshold on the score"},
    {"--metric", 0, "NAME=X", "a training metric; may be repeated"},
    {"--features", 0, "A,B,C", "names in the model's order, when its file has none"},
    {"--note", 0, "TEXT", "a remark"},
    OPTION_REGISTRY,
    {0},
};

const struct leat_command leat_command_model_add = {
    .name = "model add",
    .arguments = "NAME FILE [--parity ROWS.jsonl] [--meta FILE.json] [--from mlflow]",
    .summary = "add a model file as the next version",
    .details =
        "FILE is XGBoost's JSON or UBJSON, LightGBM's text, CatBoost's JSON, ONNX or linear JSON; or a folder that\n"
        "leat.save (the Python package) or MLflow wrote. It is loaded, and with --parity scored and compared with the\n"
        "trainer; a difference refuses it, and the registry stays as it was. Rows are JSON lines:\n"
        "  {\"features\": {\"amount\": 12.5, \"country\": null}, \"score\": 0.7315}\n\n"
        "examples:\n"
        "  leat model add fraud export/\n"
        "  leat model add fraud mlruns/0/3f2a/artifacts/model --from mlflow\n"
        "  leat model add fraud model.txt --parity rows.jsonl --trained-at 2013-09-01 --metric auc=0.91",
    .options = add_options,
    .run = run_add,
};
