/* SPDX-License-Identifier: Apache-2.0
 *
 * The bump allocator of a dump.
 */
#include "memory/bump.h"

#include <string.h>
#include <sys/mman.h>

#include "memory/raw.h"
#include "memory/units.h"

enum { PIECE_ALIGN_BYTES = 16 };

int bump_open(struct bump *bump, uint64_t reserve_bytes)
{
    *bump = (struct bump){0};
    /* Neither mlockall(MCL_FUTURE) nor huge pages must fill more of it than is used: told so before there is access. */
    long start = raw_mmap(NULL, reserve_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw_failed(start))
        return (int)start;
    raw_munlock((void *)start, reserve_bytes);
    raw_madvise((void *)start, reserve_bytes, MADV_NOHUGEPAGE);
    long error = raw_mprotect((void *)start, reserve_bytes, PROT_READ | PROT_WRITE);
    if (raw_failed(error)) {
        raw_munmap((void *)start, reserve_bytes);
        return (int)error;
    }
    bump->start = (uint8_t *)start;
    bump->reserved_bytes = reserve_bytes;
    return 0;
}

void bump_close(struct bump *bump)
{
    if (bump->start != NULL)
        raw_munmap(bump->start, bump->reserved_bytes);
    *bump = (struct bump){0};
}

void *bump_take(struct bump *bump, uint64_t bytes)
{
    uint64_t rounded = align_up(bytes, PIECE_ALIGN_BYTES);
    if (rounded > bump->reserved_bytes - bump->used_bytes)
        return NULL;
    void *piece = bump->start + bump->used_bytes;
    bump->used_bytes += rounded;
    return piece;
}

const char *bump_string(struct bump *bump, const char *text, uint64_t bytes)
{
    char *copy = bump_take(bump, bytes + 1);
    if (copy == NULL)
        return "";
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}
