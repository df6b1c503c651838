/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers by chance that are the same every time.
 */
#ifndef GPW_TESTS_STATISTICS_FIXTURE_H
#define GPW_TESTS_STATISTICS_FIXTURE_H

#include <stdint.h>

/* In [0, 1). SplitMix64. */
static inline double random_share(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    mixed ^= mixed >> 31;
    return (double)(mixed >> 11) / 9007199254740992.0;
}

#endif
