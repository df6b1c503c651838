/* SPDX-License-Identifier: Apache-2.0
 *
 * C memory of every kind that a cgo program can hold: small blocks in the main malloc arena and in arenas of other
 * threads, a block that malloc maps by itself, a mapping made by the program. All of it is touched.
 */
#ifndef C_MEMORY_H
#define C_MEMORY_H

#include <stddef.h>

enum { C_MEMORY_THREADS_MAX = 64 };

struct c_memory_truth {
    size_t small_used_bytes, small_freed_bytes; /* usable sizes of the small blocks */
    size_t big_bytes;                           /* usable size of the big block */
    size_t mapped_bytes;
    size_t malloc_used_bytes, malloc_free_bytes; /* mallinfo2 of all arenas, and malloc's own mappings */
};

/* How many threads will call c_memory_fill_arena; none of them allocates before all are there. Thread 0 does not count.
 */
void c_memory_expect(unsigned threads);

/* Allocates small blocks of several sizes, about `bytes` in all. Each thread has its own number, 0 is the main one. */
void c_memory_fill_arena(unsigned thread, size_t bytes);

/* Return 0, or -1 when there is no memory. */
int c_memory_fill_big(size_t bytes);
int c_memory_fill_mmap(size_t bytes);

/* Frees every second small block. */
void c_memory_free_half(void);

struct c_memory_truth c_memory_truth(void);

/* Whether everything that was written is still there. */
int c_memory_is_intact(void);

#endif
