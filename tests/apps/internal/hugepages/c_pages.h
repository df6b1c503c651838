/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that Go has given back, filled again behind its back.
 */
#ifndef C_PAGES_H
#define C_PAGES_H

#include <stdint.h>

/* Has the kernel put huge pages over [start, start + bytes), multiples of 2 MiB. Returns 0, or errno (EINVAL: the
 * kernel does not know MADV_COLLAPSE, or huge pages are off). */
int c_pages_collapse(uintptr_t start, uint64_t bytes);

#endif
