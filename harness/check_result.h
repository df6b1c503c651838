/* SPDX-License-Identifier: Apache-2.0
 *
 * What a gate found: a row for each metric that a rule applies to, what grew, what a reader must know. The formats of
 * `gopagewatch check` write it and decide nothing.
 *
 * Values are numbers of a dump; medians and slopes are doubles of the same unit, exact to 2^53. Nothing is NaN or
 * infinite. Texts are printable.
 */
#ifndef GPW_HARNESS_CHECK_RESULT_H
#define GPW_HARNESS_CHECK_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/metrics.h"

/* By severity; the worst row's is the gate's. */
enum check_verdict { CHECK_PASS, CHECK_INCONCLUSIVE, CHECK_REGRESSION, CHECK_VERDICT_COUNT };

/* X(identifier, name): what is asked of a metric. */
#define CHECK_KINDS(X)  \
    X(LIMIT, "limit")   \
    X(GROWTH, "growth") \
    X(SLOPE, "slope")   \
    X(EXACT, "exact")

enum check_kind {
#define X(id, name) CHECK_##id,
    CHECK_KINDS(X)
#undef X
        CHECK_KIND_COUNT
};

/* One side of a row. */
struct check_side {
    const uint64_t *values; /* in the order of the samples; those that are not known are left out */
    uint64_t count;
    double median;    /* of them, 0 when there are none */
    double low, high; /* confidence interval of the median */
    double coverage;  /* what [low, high] has: less than was asked for where the samples are too few for it */
};

struct check_row {
    enum check_kind kind;
    enum check_verdict verdict;
    const char *metric;
    enum metric_unit unit;
    const char *bound;                   /* what is allowed, in words: "512 MiB", "+5 % and +8.00 MiB", "none" */
    struct check_side baseline, current; /* limits and slopes have no baseline: count 0 */
    bool has_change;
    double change; /* current median less the baseline's; of a slope: per dump */
    bool has_p;
    double p;        /* one-sided, adjusted for all rows that were tested */
    const char *why; /* a sentence: why this verdict */
};

/* Resident bytes of a class or size class: medians. */
struct check_growth {
    const char *name; /* "go.unused", "4096" */
    double baseline_bytes, current_bytes;
};

struct check_result {
    enum check_verdict verdict;
    const struct check_row *rows; /* worst first, then by kind and name */
    uint64_t rows_count;
    uint64_t verdict_rows[CHECK_VERDICT_COUNT]; /* how many rows have it */
    /* What grew, by growth falling and not more than --top; none where there is no regression. Without a baseline it is
     * from the first to the last of the current samples. */
    const struct check_growth *classes, *size_classes;
    uint64_t classes_count, size_classes_count;
    /* Sentences that hold for all of it: that the environment differs, that dumps are of several programs. */
    const char *const *notes;
    uint64_t notes_count;
    const char *program;    /* "etcd", or NULL */
    const char *go_version; /* "go1.26.10", or NULL */
    const char *machine;    /* "x86_64", or NULL */
    uint64_t baseline_samples, current_samples;
    double alpha;
};

/* "pass", "inconclusive", "regression" */
const char *check_verdict_name(enum check_verdict verdict);
/* "limit", ... */
const char *check_kind_name(enum check_kind kind);

#endif
