/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is not Go's: one piece of each kind.
 */
#ifndef C_BLOCKS_H
#define C_BLOCKS_H

#include <stdint.h>

/* Each returns an address, never 0; the program ends when there is no memory. */
uintptr_t c_blocks_small(void);     /* 100 bytes of malloc, written */
uintptr_t c_blocks_mapped(void);    /* the second page of an anonymous mapping; it alone is written */
uintptr_t c_blocks_no_access(void); /* a mapping that nobody may touch */
uintptr_t c_blocks_zero(void);      /* a page that was read and never written */

#endif
