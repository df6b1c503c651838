/* SPDX-License-Identifier: Apache-2.0
 *
 * For tables by addresses: their low bits are much alike.
 *
 * Allowed context: any.
 */
#ifndef GPW_MEMORY_HASH_H
#define GPW_MEMORY_HASH_H

#include <stdint.h>

/* Knuth's multiplicative hash by the golden ratio; all bits of `value` decide over the low ones. */
static inline uint64_t hash_u64(uint64_t value)
{
    value *= 0x9e3779b97f4a7c15u;
    return value ^ value >> 32;
}

#endif
