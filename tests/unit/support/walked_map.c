/* SPDX-License-Identifier: Apache-2.0
 *
 * The made program is made anew for each layout.
 */
#include "tests/unit/support/walked_map.h"

#include <criterion/criterion.h>

enum { BUMP_BYTES = 1 << 30 };

struct fake_go go;
struct map_walk walk;
struct bump bump;
uintptr_t plain, string;

bool is_swiss(void)
{
    return go.heap.layout->hmap_bytes == 0;
}

void open_go(const struct go_layout *layout)
{
    fake_go_open(&go, layout);
    bump_close(&bump);
    const char *why = "";
    cr_assert_eq(bump_open(&bump, BUMP_BYTES), 0);
    cr_assert(map_walk_open(&walk, &go.found, FAKE_TYPES, FAKE_TYPES + FAKE_TYPES_BYTES, &bump, &why), "%s", why);
    plain = fake_type_plain(&go, GO_KIND_INT64, 8);
    string = fake_type_string(&go);
}

void open_version(unsigned go_minor)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        if (GO_LAYOUTS[i].go_minor == go_minor && GO_LAYOUTS[i].experiment == NULL)
            open_go(&GO_LAYOUTS[i]);
    }
    cr_assert_eq(go.heap.layout->go_minor, go_minor);
}

void run(uintptr_t map, uintptr_t type, bool is_deep)
{
    const char *why = "";
    go.heap.reads = 0;
    cr_assert(map_walk_run(&walk, map, type, is_deep, &why), "go1.%u: %s", go.heap.layout->go_minor, why);
}

void expect_part(enum map_part part, uint64_t objects, uint64_t asked_bytes)
{
    const struct object_part *said = &walk.objects.parts[part];
    cr_expect_eq(said->objects, objects, "go1.%u: part %d has %lu objects, not %lu", go.heap.layout->go_minor, part,
                 said->objects, objects);
    cr_expect_eq(said->asked_bytes, asked_bytes, "go1.%u: part %d asked for %lu bytes, not %lu",
                 go.heap.layout->go_minor, part, said->asked_bytes, asked_bytes);
}

void expect_calm(void)
{
    cr_expect_eq(walk.torn_reads, 0, "go1.%u: %lu torn", go.heap.layout->go_minor, walk.torn_reads);
    cr_expect_eq(walk.unknown + walk.objects.unknown, 0, "go1.%u: %lu and %lu unknown", go.heap.layout->go_minor,
                 walk.unknown, walk.objects.unknown);
    cr_expect_eq(walk.unfollowed, 0, "go1.%u: %lu not followed", go.heap.layout->go_minor, walk.unfollowed);
    cr_expect_not(walk.is_spent);
}

/* A map of one bucket, or of one group. */
uintptr_t small_map(uintptr_t type, uint64_t count, uintptr_t *bucket)
{
    uintptr_t map = fake_map(&go, count);
    if (is_swiss())
        fake_map_set_group(&go, map, *bucket = fake_groups(&go, type, 1));
    else
        *bucket = fake_map_add_buckets(&go, map, type, 0, 0);
    return map;
}

uintptr_t put_string(uintptr_t at, uint64_t length)
{
    uintptr_t bytes = fake_object(&go, length);
    fake_go_put(&go, at, bytes);
    fake_go_put(&go, at + 8, length);
    return bytes;
}

uint64_t header_bytes(void)
{
    return is_swiss() ? go.heap.layout->swiss_bytes : go.heap.layout->hmap_bytes;
}
