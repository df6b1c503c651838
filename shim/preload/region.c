/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's reservation. Hook path: raw system calls and one atomic add.
 */
#include "preload/region.h"

#include <sys/mman.h>

#include "memory/raw.h"
#include "memory/units.h"

/* The largest page size of any Linux on amd64 and arm64, so that a piece never shares an OS page with the next. */
enum { PIECE_ALIGN_BYTES = 64 * 1024 };

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

void *region_take(struct region *region, uint64_t bytes)
{
    bytes = align_up(bytes, PIECE_ALIGN_BYTES);
    uint64_t offset = atomic_load_explicit(&region->taken_bytes, memory_order_relaxed);
    do {
        if (bytes > region->bytes - offset)
            return NULL;
    } while (!atomic_compare_exchange_weak_explicit(&region->taken_bytes, &offset, offset + bytes, memory_order_relaxed,
                                                    memory_order_relaxed));
    void *piece = (void *)(region->start + offset);
    return raw_failed(raw_mprotect(piece, bytes, PROT_READ | PROT_WRITE)) ? NULL : piece;
}
