/* SPDX-License-Identifier: Apache-2.0
 *
 * Values that do not lie in their slots: large ones, and those in interfaces. They count as if they stood there.
 *
 * They are gathered, and read in the order of their addresses: entries lie in the order of their hashes, and a read for
 * each value would be a system call for each. Values in such values (an interface in a large struct) are gathered anew,
 * a few times; of those that are very large each piece is one.
 */
#include <string.h>

#include "goruntime/map_walk_inside.h"

enum {
    BOXES_MAX = 1 << 18, /* gathered */
    DEPTH_MAX = 4,       /* boxes in boxes: of more, each in all before it, there may be no end */
    /* What is read at once may have so many interfaces, and the rest of the box is one more. */
    BOXES_AT_ONCE = MAP_VALUE_BYTES / 16 + 1,
    BOXES_FULL = BOXES_MAX - (DEPTH_MAX + 1) * BOXES_AT_ONCE,
    /* Of the addresses' 48 bits those from bit 12 on decide, in three steps: what is nearer lies in one line of the
       cache. */
    SORT_SHIFT = 12,
    SORT_BITS = 12,
    SORT_STEPS = 3,
};

/* A value outside of its slot, or the rest of it. */
struct box {
    uintptr_t address;
    const struct go_type *type;
    uint64_t from_bytes; /* what lies before is done */
    enum map_part part;
    uint32_t depth; /* so many boxes it lies in, itself one */
};

struct map_boxes {
    uint8_t bytes[MAP_VALUE_BYTES + GO_REFERENCE_BYTES_MAX]; /* of the box in hand, and the end of a reference */
    struct box *gathered, *opened;                           /* BOXES_MAX each, taken when there is a first one */
    uint32_t count;                                          /* gathered */
    uint32_t depth;                                          /* of the box in hand; 0: what is in hand lies in none */
    uint32_t sort_starts[1 << SORT_BITS];
};

bool map_boxes_open(struct map_walk *walk, struct bump *bump)
{
    walk->boxes = bump_take(bump, sizeof *walk->boxes);
    return walk->boxes != NULL;
}

void map_boxes_clear(struct map_walk *walk)
{
    walk->boxes->count = 0;
}

/* ---- gathering ---- */

static bool take_room(struct map_walk *walk)
{
    struct map_boxes *boxes = walk->boxes;
    if (boxes->gathered == NULL) {
        boxes->gathered = bump_take(walk->objects.bump, BOXES_MAX * sizeof *boxes->gathered);
        boxes->opened = bump_take(walk->objects.bump, BOXES_MAX * sizeof *boxes->opened);
    }
    return boxes->gathered != NULL && boxes->opened != NULL;
}

static void gather(struct map_walk *walk, const struct box *box)
{
    struct map_boxes *boxes = walk->boxes;
    if (take_room(walk) && boxes->count < BOXES_MAX)
        boxes->gathered[boxes->count++] = *box;
    else
        walk->unfollowed++;
}

bool map_box_add(struct map_walk *walk, enum map_part part, uintptr_t address, const struct go_type *type)
{
    uint32_t depth = walk->boxes->depth + 1;
    if (depth > DEPTH_MAX)
        return false;
    gather(walk, &(struct box){.address = address, .type = type, .part = part, .depth = depth});
    return true;
}

/* ---- opening ---- */

/* A value that lies outside of its slot counts as if it stood there. Of a large one a piece, and the rest is gathered
 * again. */
static void open_box(struct map_walk *walk, const struct box *box)
{
    struct map_visit visit = {.walk = walk, .is_inner = box->part == MAP_PART_DEEP};
    struct map_boxes *boxes = walk->boxes;
    const struct go_type *type = box->type;
    uint64_t from = box->from_bytes, to = min_u64(type->bytes, from + MAP_VALUE_BYTES);
    uint64_t read_bytes = min_u64(type->bytes, to + GO_REFERENCE_BYTES_MAX) - from;
    if (!map_spend(walk, read_bytes) ||
        !reader_read(&walk->cache.reader, box->address + from, boxes->bytes, read_bytes)) {
        map_note_torn(walk);
        return;
    }
    if (to < type->bytes) {
        struct box rest = *box;
        rest.from_bytes = to;
        gather(walk, &rest);
    }
    boxes->depth = box->depth;
    map_add_references(&visit, box->part, type, boxes->bytes, from, to);
    boxes->depth = 0;
}

/* Moves them to `opened`, sorted by address, as far as that matters: stable steps from the lowest bits up. */
static uint32_t sort_boxes(struct map_boxes *boxes)
{
    uint32_t *starts = boxes->sort_starts, sorted = boxes->count;
    for (int step = 0; step < SORT_STEPS; step++) {
        int shift = SORT_SHIFT + step * SORT_BITS;
        struct box *from = step % 2 == 0 ? boxes->gathered : boxes->opened,
                   *to = step % 2 == 0 ? boxes->opened : boxes->gathered;
        memset(starts, 0, sizeof boxes->sort_starts);
        for (uint32_t i = 0; i < sorted; i++)
            starts[from[i].address >> shift & ((1u << SORT_BITS) - 1)]++;
        for (uint32_t bucket = 0, sum = 0; bucket < 1u << SORT_BITS; bucket++) {
            uint32_t count = starts[bucket];
            starts[bucket] = sum;
            sum += count;
        }
        for (uint32_t i = 0; i < sorted; i++)
            to[starts[from[i].address >> shift & ((1u << SORT_BITS) - 1)]++] = from[i];
    }
    boxes->count = 0;
    return sorted;
}

_Static_assert(SORT_STEPS % 2 == 1, "the last step ends in `opened`");

/* When those that lay in others are too many to be sorted: the last first, so that they get no more. */
static void open_last_boxes(struct map_walk *walk)
{
    struct map_boxes *boxes = walk->boxes;
    while (boxes->count > 0) {
        struct box box = boxes->gathered[--boxes->count];
        open_box(walk, &box);
    }
}

void map_boxes_open_all(struct map_walk *walk)
{
    struct map_boxes *boxes = walk->boxes;
    while (boxes->count > 0) {
        uint32_t count = sort_boxes(boxes);
        for (uint32_t i = 0; i < count; i++) {
            open_box(walk, &boxes->opened[i]);
            if (boxes->count > BOXES_FULL)
                open_last_boxes(walk);
        }
    }
}

void map_boxes_make_room(struct map_walk *walk)
{
    if (walk->boxes->count > BOXES_FULL)
        map_boxes_open_all(walk);
}
