/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing stacks of the heap profile.
 */
#include "harness/keeper_rows.h"

#include "harness/ranking.h"

static int most_pinned_first(const void *left, const void *right)
{
    const struct keeper_row *a = left, *b = right;
    return (a->estimate.pinned_bytes < b->estimate.pinned_bytes) -
           (a->estimate.pinned_bytes > b->estimate.pinned_bytes);
}

uint64_t keeper_rows_select(const struct dump_profile *profile, uint64_t least_bytes, struct keeper_row *rows,
                            uint64_t capacity)
{
    struct ranking ranking = {
        .rows = rows, .row_bytes = sizeof *rows, .compare = most_pinned_first, .capacity = capacity};
    for (uint64_t i = 0; i < profile->stacks_count; i++) {
        const struct keeper_row row = {&profile->stacks[i], profile_estimate(profile, &profile->stacks[i])};
        if (row.estimate.pinned_bytes != 0 && row.estimate.pinned_bytes >= least_bytes)
            ranking_insert(&ranking, &row);
    }
    return ranking.count;
}
