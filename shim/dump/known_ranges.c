/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of known ranges.
 */
#include "dump/known_ranges.h"

#include <stddef.h>
#include <string.h>

#include "memory/units.h"

enum {
    RANGES_MAX = 1 << 17,
    LIBRARY_NEIGHBOURS = 8, /* a loaded object has a handful of mappings one after the other */
};

bool known_ranges_open(struct known_ranges *known, struct bump *bump)
{
    *known = (struct known_ranges){0};
    uint64_t left_bytes = bump->reserved_bytes - bump->used_bytes;
    if (!bump_take_room(bump, &known->room, min_u64(RANGES_MAX * sizeof known->ranges[0], left_bytes / 4)))
        return false;
    known->ranges = (struct known_range *)known->room.start;
    return true;
}

/* Index of the first range that ends above `address`. */
static uint64_t lower_bound(const struct known_ranges *known, uintptr_t address)
{
    uint64_t low = 0, high = known->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (known->ranges[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void known_ranges_add(struct known_ranges *known, struct known_range range)
{
    uint64_t at = lower_bound(known, range.start);
    bool overlaps = at < known->count && known->ranges[at].start < range.end;
    if (range.start >= range.end || overlaps ||
        !bump_room_open(&known->room, (known->count + 1) * sizeof known->ranges[0])) {
        known->dropped += range.start < range.end;
        return;
    }
    memmove(&known->ranges[at + 1], &known->ranges[at], (known->count - at) * sizeof known->ranges[0]);
    known->ranges[at] = range;
    known->count++;
}

const struct known_range *known_ranges_from(const struct known_ranges *known, uintptr_t address)
{
    uint64_t at = lower_bound(known, address);
    return at < known->count ? &known->ranges[at] : NULL;
}

const bool *find_libraries(const struct vma_list *vmas, struct bump *bump)
{
    bool *is_library = bump_take(bump, vmas->count * sizeof is_library[0]);
    if (is_library == NULL)
        return NULL;
    for (uint64_t i = 0; i < vmas->count; i++) {
        if (!vma_is_file(&vmas->vmas[i]) || !vmas->vmas[i].is_executable)
            continue;
        uint64_t first = i < LIBRARY_NEIGHBOURS ? 0 : i - LIBRARY_NEIGHBOURS;
        uint64_t end = min_u64(i + LIBRARY_NEIGHBOURS + 1, vmas->count);
        for (uint64_t k = first; k < end; k++)
            is_library[k] = is_library[k] || vma_is_same_file(&vmas->vmas[i], &vmas->vmas[k]);
    }
    return is_library;
}
