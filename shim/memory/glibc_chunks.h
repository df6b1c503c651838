/* SPDX-License-Identifier: Apache-2.0
 *
 * Which bytes of a heap of glibc's malloc are free, page by page (malloc/malloc.c, "malloc_chunk details").
 *
 * mallinfo2 tells only sums, of which nobody knows how much is resident, and takes the lock of each arena. The chunks
 * tell it without any lock: each begins with its size, the next one's header says whether it is in use, and a free one
 * is repeated at its end. They are read while they change. A chain counts only when every link of it holds, from the
 * first chunk to the top; one that does not is read again, and given up after a few times.
 *
 * What mallinfo2 calls free is free here, but for chunks in fast bins; those and the thread caches' are in use by their
 * headers.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_MEMORY_GLIBC_CHUNKS_H
#define GPW_MEMORY_GLIBC_CHUNKS_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/reader.h"

enum { GLIBC_CHUNK_ALIGN_BYTES = 16, GLIBC_CHUNK_WINDOW_BYTES = 64 << 10 };

enum glibc_walk {
    GLIBC_WALKED,
    GLIBC_WALK_TORN,     /* changed each time it was read, or no chain of chunks */
    GLIBC_WALK_TOO_LONG, /* more to read than was allowed */
};

struct glibc_chunks {
    struct reader *reader;
    uint8_t *buffer; /* GLIBC_CHUNK_WINDOW_BYTES, aligned to 8; the caller's */
    uint64_t os_page_bytes;
    uint64_t bytes_left; /* that may still be read; falls */
    uint64_t rereads;    /* of chains that did not hold; rises */
};

/* A heap that the chunks of one arena lie in, both ends multiples of the OS page. */
struct glibc_heap {
    uintptr_t start, end;
    uintptr_t first_chunks[2]; /* where the first chunk may begin, by version of glibc; tried in this order */
    bool is_main;              /* brk's */
};

/* The heap of a thread's arena that begins at `start`, of which [start, end) is known to be one (glibc_heap_bytes).
 * False: it has changed meanwhile. */
bool glibc_heap_of_arena(struct glibc_heap *heap, struct reader *reader, uintptr_t start, uintptr_t end,
                         uint64_t os_page_bytes);
/* The main arena's, in brk's mapping. */
struct glibc_heap glibc_heap_of_brk(uintptr_t start, uintptr_t end);

/* Puts the free part of each OS page of the heap, in units of GLIBC_CHUNK_ALIGN_BYTES, into `free_units`, one for each
 * page. All zero unless GLIBC_WALKED. */
enum glibc_walk glibc_chunks_walk(struct glibc_chunks *chunks, const struct glibc_heap *heap, uint16_t *free_units);

enum glibc_chunk_state {
    GLIBC_CHUNK_NONE, /* no chunk: the arena's own structures, a fence, or the last chunk of a heap that has grown */
    GLIBC_CHUNK_USED, /* also one that waits in a fast bin or in a thread's cache */
    GLIBC_CHUNK_FREE,
    GLIBC_CHUNK_TOP, /* free too: what the arena has not given out yet */
};

struct glibc_chunk {
    enum glibc_chunk_state state;
    uintptr_t start; /* of its header; the block begins GLIBC_CHUNK_ALIGN_BYTES later */
    uint64_t bytes;
};

/* The chunk that `address`, which lies in the heap, is in. `chunk` holds only if GLIBC_WALKED. */
enum glibc_walk glibc_chunks_find(struct glibc_chunks *chunks, const struct glibc_heap *heap, uintptr_t address,
                                  struct glibc_chunk *chunk);

#endif
