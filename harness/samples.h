/* SPDX-License-Identifier: Apache-2.0
 *
 * The samples of a gate: for each metric the values of all dumps of the baseline and of all current ones.
 *
 * A dump is taken apart when it is added and may go then; ten thousand of them are some megabytes of numbers.
 */
#ifndef GPW_HARNESS_SAMPLES_H
#define GPW_HARNESS_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/dump.h"
#include "harness/error.h"
#include "harness/metrics.h"
#include "memory/bump.h"

enum samples_side { SAMPLES_BASELINE, SAMPLES_CURRENT, SAMPLES_SIDE_COUNT };

/* Where and when a sample was taken: what tells one process's dumps from another's. */
struct sample_origin {
    uint64_t pid, seq;
    uint64_t unix_ns, since_start_ns; /* the latter or DUMP_NOT_KNOWN */
    const char *host;                 /* or NULL */
    bool has_heap;                    /* its Go heap was walked */
};

struct samples_of_side {
    uint64_t count;
    struct sample_origin *origins;
    uint64_t origins_capacity;
    const char *program;                           /* of the first sample, or NULL */
    struct dump_environment environment;           /* of the first sample */
    uint64_t programs_differ, environments_differ; /* how many others have another */
};

/* A metric: a value for each sample, in the order in which they were added. */
struct samples_metric {
    const char *name;
    enum metric_unit unit;
    const uint64_t *values[SAMPLES_SIDE_COUNT]; /* DUMP_NOT_KNOWN where a sample does not know it */
};

struct samples {
    struct samples_of_side sides[SAMPLES_SIDE_COUNT];
    struct samples_metric *metrics; /* by name, once samples_finish was called */
    uint64_t metrics_count;
    struct series *series; /* by name, while they are filled */
    struct bump bump;      /* texts */
};

/* False: no memory, `error` says so. */
bool samples_open(struct samples *samples, struct error *error);
void samples_close(struct samples *samples);

bool samples_add_dump(struct samples *samples, enum samples_side side, const struct dump *dump, struct error *error);

/* The same in two steps, for samples that are no dumps any more: a sample, and what it knows. Texts are copied. */
bool samples_add(struct samples *samples, enum samples_side side, const struct sample_origin *origin,
                 const char *program, const struct dump_environment *environment, struct error *error);
bool samples_put(struct samples *samples, enum samples_side side, uint64_t sample, const struct metric *metric,
                 struct error *error);

/* Makes the metric exist, though no sample has it: it is absent in all of them then (metrics.h). */
bool samples_require(struct samples *samples, const char *name, enum metric_unit unit, struct error *error);

/* Nothing is added afterwards: fills `metrics`, in which each has a value for each sample. */
bool samples_finish(struct samples *samples, struct error *error);

#endif
