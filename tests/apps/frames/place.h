/* SPDX-License-Identifier: Apache-2.0
 *
 * A place in C code.
 */
#ifndef FRAMES_PLACE_H
#define FRAMES_PLACE_H

struct place {
    void *address;
    int inner_line, outer_line; /* of the call, and of what that was inlined into */
};

struct place frames_place(void);

#endif
