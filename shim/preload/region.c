/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's reservation. Hook path: raw system calls and one atomic add.
 */
#include "preload/region.h"

#include <sys/mman.h>

#include "memory/raw.h"
#include "memory/units.h"

/* The largest page size of any Linux on amd64 and arm64, so that a piece never shares an OS page with the next. */
enum { PIECE_ALIGN_BYTES = REGION_GUARD_BYTES };

bool region_open(struct region *region, uint64_t bytes)
{
    for (uint64_t try_bytes = bytes; try_bytes != 0 && try_bytes >= bytes / 16; try_bytes /= 2) {
        long start = raw_mmap(NULL, try_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (raw_failed(start))
            continue;
        /* Neither mlockall(MCL_FUTURE) nor huge pages must fill more of it than is used. */
        raw_munlock((void *)start, try_bytes);
        raw_madvise((void *)start, try_bytes, MADV_NOHUGEPAGE);
        region->start = (uintptr_t)start;
        region->bytes = try_bytes;
        return true;
    }
    return false;
}

/* Address space, without access yet. 0: it is used up. */
static uintptr_t claim(struct region *region, uint64_t bytes)
{
    uint64_t offset = atomic_load_explicit(&region->taken_bytes, memory_order_relaxed);
    do {
        if (bytes > region->bytes - offset)
            return 0;
    } while (!atomic_compare_exchange_weak_explicit(&region->taken_bytes, &offset, offset + bytes, memory_order_relaxed,
                                                    memory_order_relaxed));
    return region->start + offset;
}

static bool give_access(uintptr_t start, uint64_t bytes)
{
    return !raw_failed(raw_mprotect((void *)start, bytes, PROT_READ | PROT_WRITE));
}

void *region_take(struct region *region, uint64_t bytes)
{
    bytes = align_up(bytes, PIECE_ALIGN_BYTES);
    uintptr_t piece = claim(region, bytes);
    return piece != 0 && give_access(piece, bytes) ? (void *)piece : NULL;
}

void *region_take_stacks(struct region *region, uint64_t bytes, uint32_t count)
{
    uint64_t pitch = align_up(bytes, PIECE_ALIGN_BYTES) + REGION_GUARD_BYTES;
    uintptr_t first = claim(region, pitch * count);
    for (uint32_t i = 0; i < count; i++) {
        if (first == 0 || !give_access(first + i * pitch + REGION_GUARD_BYTES, pitch - REGION_GUARD_BYTES))
            return NULL;
    }
    return (void *)(first + REGION_GUARD_BYTES);
}
