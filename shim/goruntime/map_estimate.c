/* SPDX-License-Identifier: Apache-2.0
 *
 * The runtime's own arithmetic: map.go:overLoadFactor, makeBucketArray; maps/map.go:NewMap, table.go:rehash.
 */
#include "goruntime/map_estimate.h"

#include "goruntime/map_walk_inside.h"
#include "memory/units.h"

enum {
    SMALL_GROWN_SLOTS = 16, /* of the table that a map of one group becomes (growToTable) */
    TABLE_LOAD = 7,         /* of 8 slots */
    SMALL_BYTES_MAX = 32768,
    HEADER_BYTES = 8, /* malloc.go:mallocHeaderSize: the type, before objects with pointers of more than */
    HEADER_FROM_BYTES = 512,
};

/* sizeclasses.go: the same from go1.17 to go1.27 */
static const uint16_t CLASSES[] = {
    8,    16,   24,    32,    48,    64,    80,    96,    112,   128,   144,   160,   176,   192,   208,   224,   240,
    256,  288,  320,   352,   384,   416,   448,   480,   512,   576,   640,   704,   768,   896,   1024,  1152,  1280,
    1408, 1536, 1792,  2048,  2304,  2688,  3072,  3200,  3456,  4096,  4864,  5376,  6144,  6528,  6784,  6912,  8192,
    9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
};

uint64_t map_allocated_bytes(uint64_t bytes, bool has_pointers, const struct go_layout *layout)
{
    bool has_header = has_pointers && layout_has_malloc_headers(layout) && bytes > HEADER_FROM_BYTES;
    if (has_header && bytes <= SMALL_BYTES_MAX - HEADER_BYTES)
        bytes += HEADER_BYTES;
    else if (has_header || bytes > SMALL_BYTES_MAX)
        return align_up(bytes, GO_PAGE_BYTES);
    for (unsigned i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++) {
        if (bytes <= CLASSES[i])
            return bytes == 0 ? 0 : CLASSES[i];
    }
    return align_up(bytes, GO_PAGE_BYTES);
}

uint64_t map_slot_bytes_below(uint64_t slot_bytes)
{
    uint64_t below = 0;
    for (unsigned i = 0; i < sizeof CLASSES / sizeof CLASSES[0] && CLASSES[i] < slot_bytes; i++)
        below = CLASSES[i];
    return below;
}

/* ---- buckets ---- */

/* With 2^B buckets so many entries fit before the map grows: 6.5 a bucket; go1.21 divided before it multiplied, and has
 * 6 (map.go:loadFactorNum). */
static uint64_t load_max(unsigned log2_buckets, const struct go_layout *layout)
{
    return log2_buckets == 0 ? MAP_SLOTS : (layout->go_minor == 21 ? 12 : 13) * (1ull << (log2_buckets - 1));
}

static struct map_estimate buckets_of(const struct map_shape *shape, unsigned log2_buckets,
                                      const struct go_layout *layout)
{
    uint64_t buckets = 1ull << log2_buckets;
    uint64_t spare = log2_buckets >= MAP_SPARE_LOG2_MIN ? buckets >> MAP_SPARE_LOG2_MIN : 0;
    return (struct map_estimate){
        .capacity = buckets * MAP_SLOTS,
        .bytes = map_allocated_bytes((buckets + spare) * shape->slot_group_bytes, shape->has_pointers, layout),
    };
}

static unsigned log2_of(uint64_t power)
{
    unsigned log2 = 0;
    while (log2 < MAP_LOG2_BUCKETS_MAX && 1ull << log2 < power)
        log2++;
    return log2;
}

/* ---- Swiss ---- */

static uint64_t table_bytes(const struct map_shape *shape, uint64_t slots, const struct go_layout *layout)
{
    return map_allocated_bytes(slots / MAP_SLOTS * shape->slot_group_bytes, shape->has_pointers, layout);
}

static struct map_estimate remade_swiss(const struct map_shape *shape, uint64_t entries, const struct go_layout *layout)
{
    if (entries <= MAP_SLOTS)
        return (struct map_estimate){MAP_SLOTS, table_bytes(shape, MAP_SLOTS, layout)};
    uint64_t target = entries * MAP_SLOTS / TABLE_LOAD;
    uint64_t tables = 1ull << log2_of((target + MAP_TABLE_SLOTS_MAX - 1) / MAP_TABLE_SLOTS_MAX);
    uint64_t slots = min_u64(max_u64(1ull << log2_of(target / tables), MAP_SLOTS), MAP_TABLE_SLOTS_MAX);
    return (struct map_estimate){tables * slots, tables * table_bytes(shape, slots, layout)};
}

static struct map_estimate grown_swiss(const struct map_shape *shape, uint64_t bytes, const struct go_layout *layout,
                                       uint64_t *at_entries)
{
    uint64_t slots = shape->fullest_capacity;
    if (shape->tables == 0) {
        *at_entries = MAP_SLOTS + 1;
        return (struct map_estimate){SMALL_GROWN_SLOTS, table_bytes(shape, SMALL_GROWN_SLOTS, layout)};
    }
    *at_entries = shape->entries + shape->fullest_growth_left + 1;
    uint64_t before = table_bytes(shape, slots, layout);
    uint64_t after = slots == MAP_TABLE_SLOTS_MAX ? 2 * before : table_bytes(shape, 2 * slots, layout);
    return (struct map_estimate){shape->capacity + slots, bytes + after - before};
}

/* ---- both ---- */

struct map_estimate map_estimate_remade(const struct map_shape *shape, uint64_t entries, const struct go_layout *layout)
{
    unsigned log2_buckets = 0;
    if (shape->design == MAP_DESIGN_SWISS)
        return remade_swiss(shape, entries, layout);
    while (log2_buckets < MAP_LOG2_BUCKETS_MAX && entries > load_max(log2_buckets, layout))
        log2_buckets++;
    return buckets_of(shape, log2_buckets, layout);
}

struct map_estimate map_estimate_grown(const struct map_shape *shape, uint64_t bytes, const struct go_layout *layout,
                                       uint64_t *at_entries)
{
    if (shape->design == MAP_DESIGN_SWISS)
        return grown_swiss(shape, bytes, layout, at_entries);
    unsigned log2_buckets = log2_of(max_u64(shape->buckets, 1));
    *at_entries = load_max(log2_buckets, layout) + 1;
    return buckets_of(shape, log2_buckets + 1, layout);
}
