/* SPDX-License-Identifier: Apache-2.0
 *
 * An address in C code that was inlined, and the lines that it stands for.
 */
#include "place.h"

__attribute__((noinline)) static void *frames_here(void)
{
    return __builtin_return_address(0);
}

static inline __attribute__((always_inline)) void frames_inlined(struct place *place)
{
    place->inner_line = __LINE__ + 1;
    place->address = frames_here();
}

struct place frames_place(void)
{
    struct place place;
    place.outer_line = __LINE__ + 1;
    frames_inlined(&place);
    return place;
}
