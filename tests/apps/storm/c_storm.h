/* SPDX-License-Identifier: Apache-2.0
 *
 * C code that maps and unmaps, in threads of Go's.
 */
#ifndef STORM_C_STORM_H
#define STORM_C_STORM_H

#include <stddef.h>

/* Maps so much, writes one byte and unmaps it, `times` times. Nanoseconds that the calls of mmap took, together. */
long c_storm_map(size_t bytes, int times);

#endif
