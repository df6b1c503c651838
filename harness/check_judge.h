/* SPDX-License-Identifier: Apache-2.0
 *
 * Holding samples against rules.
 *
 * A rule is broken only by what is both large enough to matter and not to be explained by chance: growth and slopes
 * are tested by ranks (statistics.h), all tests of a gate together have one alpha (Holm). Where the samples could not
 * have shown a growth of any size the row is inconclusive: a gate that cannot fail is none.
 */
#ifndef GPW_HARNESS_CHECK_JUDGE_H
#define GPW_HARNESS_CHECK_JUDGE_H

#include <stdbool.h>

#include "harness/check_result.h"
#include "harness/check_rules.h"
#include "harness/error.h"
#include "harness/samples.h"
#include "memory/bump.h"

struct check_settings {
    struct check_rules rules;
    double alpha;
    uint32_t min_samples; /* on each side, for growth and slopes */
    uint32_t top_rows;    /* of what grew */
    bool needs_same_environment;
};

enum check_outcome { CHECK_JUDGED, CHECK_REFUSED, CHECK_NO_MEMORY };

/* `samples` are not finished yet. CHECK_REFUSED: a rule names no metric that there is, or needs samples that are not
 * there; `error` says it. `result` and its parts live as long as `samples` and `bump`. */
enum check_outcome check_judge(struct check_result *result, struct samples *samples,
                               const struct check_settings *settings, struct bump *bump, struct error *error);

/* Makes the metrics exist that rules name in full and no sample has, where that means zero (metrics.h). check_judge
 * does it. False: no memory. */
bool check_require_named(struct samples *samples, const struct check_rules *rules, struct error *error);

#endif
