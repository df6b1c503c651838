/* SPDX-License-Identifier: Apache-2.0
 *
 * A place that begins at a package variable and moves through its type: into fields, elements and behind pointers. What
 * it went is its path.
 */
#ifndef GPW_HARNESS_GO_VARIABLE_WAY_H
#define GPW_HARNESS_GO_VARIABLE_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/map_path.h"
#include "harness/error.h"
#include "harness/go_variable_dwarf.h"

struct go_place {
    struct map_path path;
    struct go_dwarf_type type; /* of what is there */
    bool is_in_long_array;
};

void go_place_begin(struct go_place *place, const struct go_variable *variable);

/* Goes `selectors` (".field[3].field") as Go would. False: `error`. */
bool go_place_select(struct go_place *place, const char *selectors, struct error *error);

/* Goes behind pointers, as long as there are any. False: `error`. */
bool go_place_follow(struct go_place *place, struct error *error);

/* The maps at a place and in it, as many as there is room for. */
struct go_maps {
    struct map_path *paths;
    uint32_t room, count;
    uint64_t total;  /* with those for which there was none */
    uintptr_t types; /* what descriptors are counted from */
    bool is_last_round;
    uint32_t visits; /* of places: limited, or made-up types could keep us busy for ever */
};

/* The map at the place, whose type is one. False: the program has no descriptor of its type, it is nil forever. */
bool go_maps_add(struct go_maps *maps, const struct go_place *place);
/* Of all maps at the place, in its structs and arrays, and behind one pointer: those of the round. The first has what
 * is in no long array, the last has the rest. The place is left as it was. */
void go_maps_collect(struct go_maps *maps, const struct go_place *place);

#endif
