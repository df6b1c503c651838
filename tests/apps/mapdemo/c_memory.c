/* SPDX-License-Identifier: Apache-2.0
 *
 * Small blocks are chained through their first word, one chain a thread, so that the bookkeeping allocates nothing.
 * The last byte of each block carries a mark that must still be there at the end.
 */
#include "c_memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MARK = 0xC5 };

struct block {
    struct block *next;
    size_t bytes;
};

static const size_t SIZES[] = {48, 112, 640, 2048, 4080, 24, 9000};

static struct block *chains[C_MEMORY_THREADS_MAX];
static size_t small_used_bytes, small_freed_bytes;
static char *big, *mapped;
static size_t big_bytes, mapped_bytes;
static pthread_barrier_t all_are_there;

void c_memory_expect(unsigned threads)
{
    if (threads > 0)
        pthread_barrier_init(&all_are_there, NULL, threads);
}

void c_memory_fill_arena(unsigned thread, size_t bytes)
{
    if (thread >= C_MEMORY_THREADS_MAX)
        abort();
    if (thread > 0)
        pthread_barrier_wait(&all_are_there);
    size_t usable = 0;
    for (size_t i = 0; usable < bytes; i++) {
        size_t size = SIZES[i % (sizeof SIZES / sizeof SIZES[0])];
        struct block *block = malloc(size);
        if (block == NULL)
            abort();
        memset(block, MARK, size);
        block->next = chains[thread];
        block->bytes = size;
        chains[thread] = block;
        usable += malloc_usable_size(block);
    }
    __atomic_fetch_add(&small_used_bytes, usable, __ATOMIC_RELAXED);
}

int c_memory_fill_big(size_t bytes)
{
    if (bytes == 0)
        return 0;
    big = malloc(bytes);
    if (big == NULL)
        return -1;
    memset(big, MARK, bytes);
    big_bytes = bytes;
    return 0;
}

int c_memory_fill_mmap(size_t bytes)
{
    if (bytes == 0)
        return 0;
    mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return -1;
    memset(mapped, MARK, bytes);
    mapped_bytes = bytes;
    return 0;
}

void c_memory_free_half(void)
{
    for (unsigned thread = 0; thread < C_MEMORY_THREADS_MAX; thread++) {
        for (struct block *kept = chains[thread]; kept != NULL && kept->next != NULL; kept = kept->next) {
            struct block *freed = kept->next;
            size_t usable = malloc_usable_size(freed);
            kept->next = freed->next;
            free(freed);
            small_used_bytes -= usable;
            small_freed_bytes += usable;
        }
    }
}

struct c_memory_truth c_memory_truth(void)
{
    struct mallinfo2 info = mallinfo2();
    return (struct c_memory_truth){
        .small_used_bytes = small_used_bytes,
        .small_freed_bytes = small_freed_bytes,
        .big_bytes = big == NULL ? 0 : malloc_usable_size(big),
        .mapped_bytes = mapped_bytes,
        .malloc_used_bytes = info.uordblks + info.hblkhd,
        .malloc_free_bytes = info.fordblks,
    };
}

static int is_marked(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((unsigned char)bytes[i] != MARK)
            return 0;
    }
    return 1;
}

int c_memory_is_intact(void)
{
    for (unsigned thread = 0; thread < C_MEMORY_THREADS_MAX; thread++) {
        for (const struct block *block = chains[thread]; block != NULL; block = block->next) {
            if (!is_marked((const char *)(block + 1), block->bytes - sizeof *block))
                return 0;
        }
    }
    return is_marked(big, big_bytes) && is_marked(mapped, mapped_bytes);
}
