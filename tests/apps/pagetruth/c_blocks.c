/* SPDX-License-Identifier: Apache-2.0
 *
 * One piece of each kind.
 */
#include "c_blocks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SMALL_BYTES = 100, MAPPED_BYTES = 256 << 10, PAGE_BYTES = 4096 };

static char *map(int protection)
{
    char *memory = mmap(NULL, MAPPED_BYTES, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    madvise(memory, MAPPED_BYTES, MADV_NOHUGEPAGE);
    return memory;
}

uintptr_t c_blocks_small(void)
{
    char *block = malloc(SMALL_BYTES);
    if (block == NULL)
        abort();
    memset(block, 1, SMALL_BYTES);
    return (uintptr_t)block;
}

uintptr_t c_blocks_mapped(void)
{
    char *memory = map(PROT_READ | PROT_WRITE);
    memory[PAGE_BYTES] = 1;
    return (uintptr_t)memory + PAGE_BYTES;
}

uintptr_t c_blocks_no_access(void)
{
    return (uintptr_t)map(PROT_NONE);
}

uintptr_t c_blocks_zero(void)
{
    char *memory = map(PROT_READ | PROT_WRITE);
    (void)*(volatile char *)memory;
    return (uintptr_t)memory;
}
