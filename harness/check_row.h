/* SPDX-License-Identifier: Apache-2.0
 *
 * One metric under one rule: measured first, for all rows, then judged, when it is known how many were tested.
 */
#ifndef GPW_HARNESS_CHECK_ROW_H
#define GPW_HARNESS_CHECK_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/check_judge.h"

struct row_context {
    const struct samples *samples;
    const struct check_settings *settings;
    struct bump *bump;
    const uint64_t *series_order; /* indices of the current samples, oldest first */
    bool is_one_process;          /* they are one series */
    bool is_comparable;           /* nothing forbids to hold current samples against the baseline */
    uint64_t tests_count;         /* how many tests share alpha */
};

/* What a row keeps from measuring to judging. */
struct row_test {
    const struct check_rule *rule;
    bool is_made;
    double p;          /* not adjusted */
    double smallest_p; /* that these samples could have given */
};

/* Fills `series_order`. False: no memory. */
bool check_row_order_series(struct row_context *context, struct error *error);

/* Everything but the verdict; `p` is not adjusted yet. False: no memory. */
bool check_row_measure(struct check_row *row, struct row_test *test, const struct row_context *context,
                       const struct check_rule *rule, const struct samples_metric *metric, struct error *error);

/* The verdict, and why. */
void check_row_judge(struct check_row *row, const struct row_test *test, const struct row_context *context);

#endif
