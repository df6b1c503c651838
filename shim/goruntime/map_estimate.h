/* SPDX-License-Identifier: Apache-2.0
 *
 * What the slots of a map would take: made new for so many entries, or at its next growth.
 *
 * Allowed context: any.
 */
#ifndef GPW_GORUNTIME_MAP_ESTIMATE_H
#define GPW_GORUNTIME_MAP_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/map_walk.h"

struct map_estimate {
    uint64_t capacity; /* slots */
    uint64_t bytes;    /* allocated for them: buckets with their spare ones, or the groups of all tables */
};

/* The size of the slot that malloc gives for so many bytes (msize.go:roundupsize); large ones are whole Go pages. */
uint64_t map_allocated_bytes(uint64_t bytes, bool has_pointers, const struct go_layout *layout);

/* The largest slot that is smaller than `slot_bytes`, a size class; 0: there is none. */
uint64_t map_slot_bytes_below(uint64_t slot_bytes);

/* make(map[K]V, entries), and then as many put in. Swiss: if the hash spreads them evenly over its tables. */
struct map_estimate map_estimate_remade(const struct map_shape *shape, uint64_t entries,
                                        const struct go_layout *layout);

/* The map after its next growth; `at_entries` gets the number that may set it off: of a Swiss map the lowest, when all
 * that come go to its fullest table. `bytes`: what its slots take now. */
struct map_estimate map_estimate_grown(const struct map_shape *shape, uint64_t bytes, const struct go_layout *layout,
                                       uint64_t *at_entries);

#endif
