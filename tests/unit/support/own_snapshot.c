/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking a snapshot of the test's own process.
 */
#include "tests/unit/support/own_snapshot.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/units.h"

enum { SCRATCH_BYTES = 256 << 20, REGION_BYTES = 64 << 20, OS_PAGE_BYTES = 4096 };

void own_snapshot_open(struct own_snapshot *own)
{
    *own = (struct own_snapshot){0};
    cr_assert(region_open(&own->region, REGION_BYTES));
    cr_assert(shadow_open(&own->shadow, &own->region, 0));
    cr_assert_eq(bump_open(&own->bump, SCRATCH_BYTES), 0);
    reader_process_open(&own->reader, getpid());
    uintptr_t scratch = (uintptr_t)own->bump.start;
    own->given[0] = (struct known_range){own->region.start, own->region.start + own->region.bytes, CLASS_SHIM, 0};
    own->given[1] =
        (struct known_range){scratch, scratch + own->bump.reserved_bytes, (enum memory_class)CLASS_SCRATCH, 0};
    own->source = (struct snapshot_source){
        .maps_path = "/proc/self/maps",
        .pagemap_path = "/proc/self/pagemap",
        .smaps_path = "/proc/self/smaps",
        .status_path = "/proc/self/status",
        .reader = &own->reader.reader,
        .shadow = &own->shadow,
        .given = own->given,
        .given_count = 2,
        .os_page_bytes = OS_PAGE_BYTES,
        .pid = (uint32_t)getpid(),
        .is_own_process = true,
        .unexplained = CLASS_OTHER,
    };
}

void own_snapshot_take(struct own_snapshot *own)
{
    const char *failed_path;
    cr_assert_eq(snapshot_take(&own->snapshot, &own->source, &own->bump, &failed_path), 0, "%s", failed_path);
}

const struct map_row *own_snapshot_row(const struct own_snapshot *own, const void *address,
                                       enum memory_class memory_class)
{
    for (const struct map_row *row = own->snapshot.rows; row != NULL; row = row->next) {
        if ((uintptr_t)address >= row->vma->start && (uintptr_t)address < row->vma->end &&
            row->memory_class == memory_class)
            return row;
    }
    return NULL;
}

uint8_t *reserve_aligned(uint64_t bytes)
{
    uint64_t room_bytes = bytes + 2ull * GO_ARENA_BYTES;
    uint8_t *room = mmap(NULL, room_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cr_assert_neq(room, MAP_FAILED);
    uint8_t *start = (uint8_t *)align_up((uintptr_t)room + 1, GO_ARENA_BYTES);
    munmap(room, (uint64_t)(start - room));
    munmap(start + bytes, room_bytes - bytes - (uint64_t)(start - room));
    return start;
}
