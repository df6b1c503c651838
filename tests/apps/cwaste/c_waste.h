/* SPDX-License-Identifier: Apache-2.0
 *
 * C memory that is wasted: freed but kept by malloc, used once on a stack; and a lock of malloc's that is held.
 */
#ifndef C_WASTE_H
#define C_WASTE_H

#include <stddef.h>

struct c_waste_truth {
    size_t free_bytes, fast_bytes; /* fordblks and fsmblks of mallinfo2 */
    size_t deep_bytes;             /* at least so much of a stack has been used */
    int deep_tid;
};

/* Allocates blocks of many sizes and frees every second one, and some more. */
void c_waste_free(size_t bytes);
/* A thread "deepstack" uses so much of its stack, returns from there and waits for ever. */
void c_waste_deep_stack(size_t bytes);
struct c_waste_truth c_waste_truth(void);

/* A thread is stopped inside mallinfo2; returns when nobody else can get through it. Once. */
void c_waste_hold_lock(void);
void c_waste_release_lock(void);

#endif
