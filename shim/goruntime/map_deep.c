/* SPDX-License-Identifier: Apache-2.0
 *
 * What is still to be followed when all pointers are, not only those of keys and elements: each address and type once,
 * so that a cycle ends. In the order in which it was found, which needs no more memory than there is to follow.
 */
#include "goruntime/map_walk_inside.h"
#include "memory/hash.h"

enum {
    DEEP_MAX = 1 << 24, /* on the list */
    DEEP_TABLE_SLOTS = 1 << 25,
    DEEP_PROBES_MAX = 1 << 12,
};

struct map_deep {
    struct deep_item *items;
    uint32_t items_count, items_done;
    uint32_t *table; /* indices of items plus 1, by end and type */
};

static uint64_t slot_of(uintptr_t end, uintptr_t type)
{
    return hash_u64(end ^ type << 20) % DEEP_TABLE_SLOTS;
}

/* The item of that end, type and kind; NULL: `at` is where its index may stand, or DEEP_TABLE_SLOTS, there is no room.
 */
static struct deep_item *find_item(const struct map_deep *deep, const struct deep_item *sought, uint64_t *at)
{
    *at = slot_of(sought->end, sought->type);
    for (unsigned i = 0; i < DEEP_PROBES_MAX; i++, *at = (*at + 1) % DEEP_TABLE_SLOTS) {
        uint32_t index = deep->table[*at];
        if (index == 0)
            return NULL;
        struct deep_item *item = &deep->items[index - 1];
        if (item->end == sought->end && item->type == sought->type && item->kind == sought->kind)
            return item;
    }
    *at = DEEP_TABLE_SLOTS;
    return NULL;
}

void map_deep_add(struct map_walk *walk, enum deep_kind kind, uintptr_t address, uintptr_t type, uint64_t count)
{
    struct map_deep *deep = walk->deep;
    if (!walk->is_deep || address == 0 || count == 0)
        return;
    const struct go_type *of = go_types_find(&walk->types, type);
    if (of == NULL) {
        map_note_typeless(walk);
        return;
    }
    if (kind == DEEP_VALUES && of->references_count == 0)
        return;
    while (count > 0) {
        struct deep_item sought = {address, type, count, kind};
        uint64_t at, known;
        if (kind == DEEP_VALUES)
            sought.end += count * of->bytes;
        struct deep_item *item = find_item(deep, &sought, &at);
        if (item == NULL && (deep->items_count == DEEP_MAX || at == DEEP_TABLE_SLOTS)) {
            walk->unfollowed++;
            return;
        }
        if (item == NULL) {
            deep->items[deep->items_count++] = sought;
            deep->table[at] = deep->items_count;
            return;
        }
        known = item->count;
        if (count <= known)
            return;
        item->count = count;
        if (item >= deep->items + deep->items_done)
            return;
        count -= known; /* those before it are left */
    }
}

static void empty_table(struct map_deep *deep)
{
    for (uint32_t i = 0; i < deep->items_count; i++) {
        uint64_t at = slot_of(deep->items[i].end, deep->items[i].type);
        for (; deep->table[at] != 0; at = (at + 1) % DEEP_TABLE_SLOTS)
            deep->table[at] = 0;
    }
}

bool map_deep_clear(struct map_walk *walk)
{
    struct bump *bump = walk->objects.bump;
    if (walk->deep == NULL) {
        struct map_deep *made = bump_take(bump, sizeof *made);
        if (made == NULL)
            return false;
        made->items = bump_take(bump, DEEP_MAX * sizeof *made->items);
        made->table = bump_take(bump, DEEP_TABLE_SLOTS * sizeof *made->table);
        if (made->items == NULL || made->table == NULL)
            return false;
        walk->deep = made;
    }
    empty_table(walk->deep);
    walk->deep->items_count = walk->deep->items_done = 0;
    return true;
}

bool map_deep_has_next(const struct map_walk *walk)
{
    return walk->deep->items_done < walk->deep->items_count;
}

bool map_deep_next(struct map_walk *walk, struct deep_item *item)
{
    if (!map_deep_has_next(walk))
        return false;
    *item = walk->deep->items[walk->deep->items_done++];
    return true;
}
