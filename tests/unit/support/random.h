/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers that are the same in every run (xorshift64*), so that a property test that fails can be repeated.
 */
#ifndef GPW_TESTS_RANDOM_H
#define GPW_TESTS_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state; /* not 0 */
};

static inline uint64_t random_next(struct random *source)
{
    source->state ^= source->state >> 12;
    source->state ^= source->state << 25;
    source->state ^= source->state >> 27;
    return source->state * 0x2545f4914f6cdd1dull;
}

/* A number below `limit`, which is not 0. */
static inline uint64_t random_below(struct random *source, uint64_t limit)
{
    return random_next(source) % limit;
}

#endif
