/* Inside the commands: a model as `leat model add` and `leat model predict` are given it: a file, or a folder that
 * leat.save or MLflow wrote, and what is told beside it. */
#ifndef LEAT_CMD_MODEL_DRAFT_H
#define LEAT_CMD_MODEL_DRAFT_H

#include "base/arena.h"
#include "cmd/command.h"
#include "registry/versions.h"

/* What is told later counts more. Release its arena. */
struct leat_draft {
    struct leat_version_draft draft; /* model_file is set before */
    struct leat_arena arena;
    const struct leat_command *command; /* that tries MLflow's input example and tells of it; NULL: it is not tried */
    struct leat_metric metrics[2 * LEAT_ARGUMENTS_MAX];
};

/* Where `path` is a folder: its model, metadata and parity rows. `from`: "mlflow", or NULL to tell folders apart. */
int leat_draft_folder(struct leat_draft *draft, const char *path, const char *from, struct leat_error *err);
int leat_draft_meta(struct leat_draft *draft, const char *file, struct leat_error *err); /* leat.json, or such a file */
int leat_draft_metric(struct leat_draft *draft, const char *text, struct leat_error *err); /* "auc=0.9" */
int leat_draft_trained_at(struct leat_draft *draft, const char *text, const char *where, struct leat_error *err);
int leat_draft_rounds(struct leat_draft *draft, bool good, int64_t rounds, const char *where, struct leat_error *err);
int leat_draft_rounds_text(struct leat_draft *draft, const char *text, struct leat_error *err); /* of --rounds */
void leat_draft_features(struct leat_draft *draft, const char *text);                           /* "a,b,c" */

/* A note on stderr where the trainer stopped early and no rounds were told. */
struct leat_model_info;
void leat_note_rounds(const struct leat_command *command, const char *name, const struct leat_model_info *info);

#endif
