/* SPDX-License-Identifier: Apache-2.0
 *
 * What C does to the memory of planted.
 */
#ifndef PLANTED_C_PLANTED_H
#define PLANTED_C_PLANTED_H

#include <stddef.h>

/* Allocates and fills so much, in blocks, and keeps it. */
void c_planted_heap(size_t bytes);

/* Starts `count` threads that fill `bytes` of their stacks each and sleep; returns when all have. */
void c_planted_stacks(unsigned count, size_t bytes);

#endif
