/* SPDX-License-Identifier: Apache-2.0
 *
 * What there is, by what was sampled: a program's heap profile samples an object of SIZE bytes with the chance
 * 1 - e^(-SIZE/RATE), so each that was sampled stands for 1 / that (runtime/pprof/protomem.go:scaleHeapSample).
 *
 * The same holds for an object that is alone in its span, and so for the span. Spans of several objects are known to be
 * one stack's only when all were sampled: they count once, which is less than there are.
 */
#ifndef GPW_HARNESS_PROFILE_H
#define GPW_HARNESS_PROFILE_H

#include <stdint.h>

#include "harness/dump.h"

/* With rate 1, or none that is known, what was sampled. Sums of many may wrap. */
struct profile_estimate {
    uint64_t objects, bytes, resident_bytes, pinned_bytes;
};

struct profile_estimate profile_estimate(const struct dump_profile *profile, const struct dump_profile_stack *stack);

/* Is it an estimate at all? */
bool profile_is_sampled(const struct dump_profile *profile);

#endif
