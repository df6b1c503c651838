/* SPDX-License-Identifier: Apache-2.0
 *
 * Scaling samples. Whatever the dump says, a result is a number below 2^63.
 */
#include "harness/profile.h"

#include <math.h>

#include "memory/units.h"

bool profile_is_sampled(const struct dump_profile *profile)
{
    return profile->rate != DUMP_NOT_KNOWN && profile->rate > 1;
}

static uint64_t scale(uint64_t value, double factor)
{
    double scaled = (double)value * factor;
    return scaled < (double)INT64_MAX ? (uint64_t)scaled : INT64_MAX;
}

struct profile_estimate profile_estimate(const struct dump_profile *profile, const struct dump_profile_stack *stack)
{
    const struct dump_profile_sums *sums = &stack->sums;
    double factor = 1;
    if (profile_is_sampled(profile) && stack->object_bytes != 0)
        factor = 1 / -expm1(-(double)stack->object_bytes / (double)profile->rate);
    uint64_t alone_bytes = min_u64(sums->alone_spans_bytes, sums->pinned_spans_bytes);
    return (struct profile_estimate){
        .objects = scale(sums->objects, factor),
        .bytes = scale(sums->bytes, factor),
        .resident_bytes = scale(sums->resident_bytes, factor),
        .pinned_bytes = min_u64(sums->pinned_spans_bytes - alone_bytes + scale(alone_bytes, factor), INT64_MAX),
    };
}
