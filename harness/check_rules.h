/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a gate: what is asked of which metrics.
 *
 *   limit   METRIC=512MiB        no sample is above
 *   growth  METRIC=5%,8MiB       the median did not grow by more than both, or the samples do not prove that it did
 *   slope   METRIC=64KiB/dump    the series does not rise by more from dump to dump, or the samples do not prove it
 *   exact   METRIC               no sample is above the highest of the baseline
 *
 * METRIC is a name (metrics.h) or a pattern of fnmatch(3) in which * goes over dots. Of the rules of one kind that
 * match a metric the last one holds, so that an exception stands behind the general case.
 */
#ifndef GPW_HARNESS_CHECK_RULES_H
#define GPW_HARNESS_CHECK_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/check_result.h"
#include "harness/error.h"
#include "memory/bump.h"

struct check_rule {
    enum check_kind kind;
    const char *pattern;
    uint64_t amount; /* limit, floor, or rise per dump, in the metric's unit */
    double fraction; /* growth: of the baseline's median */
};

struct check_rules {
    struct check_rule *rules;
    uint32_t count, capacity;
    struct bump *bump; /* holds the patterns */
};

/* Adds the rule that `text` is: "METRIC=BOUND", for CHECK_EXACT "METRIC". False: `error` names what is accepted. */
bool check_rules_add(struct check_rules *rules, enum check_kind kind, const char *text, struct error *error);
/* The same with metric and bound apart; `bound` may be empty for CHECK_EXACT alone. */
bool check_rules_add_parts(struct check_rules *rules, enum check_kind kind, const char *pattern, const char *bound,
                           struct error *error);
void check_rules_free(struct check_rules *rules);

bool check_rule_is_pattern(const struct check_rule *rule);
bool check_rule_matches(const struct check_rule *rule, const char *metric);

#endif
