/* SPDX-License-Identifier: Apache-2.0
 *
 * Who keeps it, as rows: the stacks of the program's own heap profile whose objects alone keep whole spans.
 */
#ifndef GPW_HARNESS_KEEPER_ROWS_H
#define GPW_HARNESS_KEEPER_ROWS_H

#include "harness/profile.h"

struct keeper_row {
    const struct dump_profile_stack *stack;
    struct profile_estimate estimate;
};

/* Stacks that pin at least `least_bytes` and anything at all, the most first; at most `capacity`, which `rows` has room
 * for. Returns how many. */
uint64_t keeper_rows_select(const struct dump_profile *profile, uint64_t least_bytes, struct keeper_row *rows,
                            uint64_t capacity);

#endif
