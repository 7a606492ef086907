/* What score, features and worth share: a function over a stretch of its logs, without any effect on what is live. */
#ifndef LEAT_CMD_JOB_H
#define LEAT_CMD_JOB_H

#include "cmd/command.h"
#include "engine/worker.h"

/* Rows for a command's option table. */
#define LEAT_JOB_OPTIONS                                                                                      \
    {"--files", 0, "DIR", "read each topic from DIR/<topic>.jsonl (csv, gz, zst) instead of Kafka"},          \
        {"--input", 0, "FILE", "read the input from FILE, '-' for standard input"},                           \
        {"--from", 0, "TIME", "score events from this event time on; earlier ones only fill windows"},        \
        {"--to", 0, "TIME", "score events before this event time"},                                           \
    {                                                                                                         \
        "--delay", 0, "SOURCE=DURATION", "a stream or timed table becomes known that much later (repeatable)" \
    }

struct leat_job {
    struct leat_function *function;
    struct leat_worker_config config; /* stream is opened by leat_job_run */
    const char *files;
    struct leat_stream_override overrides[2];
    struct leat_metrics *metrics; /* of the last run */
    double seconds, cpu_seconds;  /* of the last run */
};

/* Loads the function (positional[0]) and reads the common options. */
int leat_job_open(const struct leat_arguments *arguments, struct leat_job *ret, struct leat_error *err);
void leat_job_close(struct leat_job *job);
/* "departures=15m" (or "all=15m") into config.delays. */
int leat_job_delay(struct leat_job *job, const char *text, struct leat_error *err);
/* The version that --version names, or the newest one (said on stderr); 0 when the function has no model. */
int leat_job_version(const struct leat_job *job, const char *text, uint32_t *ret, struct leat_error *err);
/* One run over the stretch with the config as it is; progress on stderr. Ctrl-C ends it with what was done. */
int leat_job_run(struct leat_job *job, struct leat_error *err);
/* A whole command: arguments, the job, what the command does with it; its exit code. */
int leat_job_main(const struct leat_command *command, int argc, char **argv,
                  int (*act)(const struct leat_arguments *arguments, struct leat_job *job, struct leat_error *err));

#endif
