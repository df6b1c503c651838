/* SPDX-License-Identifier: Apache-2.0
 *
 * The Go modules of a process that is looked at from outside: a heap is believed when the mappings agree.
 */
#include "harness/modules.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support/fake_heap.h"

static struct fake_heap fake;
static struct modules modules;
static struct bump bump;

static const char *no_path(void *context, const struct vma *vma)
{
    (void)context;
    (void)vma;
    return NULL;
}

/* The heap of a program that is mapped at FAKE_IMAGE, and one module of it. */
static const struct module *find(struct vma *vmas, uint64_t count)
{
    const struct vma_list list = {.vmas = vmas, .count = count};
    const struct modules_source source = {.vmas = &list, .reader = &fake.reader, .file_path = no_path};
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_assert(modules_find(&modules, &source, &bump));
    cr_assert_eq(modules.count, 1u);
    return &modules.modules[0];
}

static void open_heap(void)
{
    fake_heap_open(&fake, &GO_LAYOUTS[0], FAKE_TABLES);
    fake_heap_populate(&fake, FAKE_ARENAS, 7);
}

Test(modules, a_heap_is_believed_when_its_arena_map_is_private_anonymous_memory)
{
    enum { MIB = 1 << 20, MAP_MIB = 32 };
    static const struct {
        const char *what;
        uint64_t gap_at_mib, gap_mib; /* not mapped */
        bool is_file, is_shared, is_believed;
    } CASES[] = {
        {"two neighbours", 0, 0, false, false, true},
        {"a gap inside", 16, 1, false, false, false},
        {"an end too early", 31, 1, false, false, false},
        {"a file", 0, 0, true, false, false},
        {"shared", 0, 0, false, true, false},
    };
    open_heap();
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uintptr_t map = fake.arena_map, middle = map + MAP_MIB / 2 * (uint64_t)MIB;
        uintptr_t gap = CASES[i].gap_mib == 0 ? middle : map + CASES[i].gap_at_mib * MIB;
        struct vma vmas[] = {
            {.start = fake.image.base, .end = fake.image.base + GO_IMAGE_BYTES, .inode = 7, .is_readable = true},
            {.start = map, .end = gap, .is_readable = true, .inode = CASES[i].is_file ? 9 : 0},
            {.start = gap + CASES[i].gap_mib * MIB,
             .end = map + MAP_MIB * (uint64_t)MIB,
             .is_readable = true,
             .is_shared = CASES[i].is_shared},
        };
        const struct module *module = find(vmas, sizeof vmas / sizeof vmas[0]);
        cr_expect_eq(module->heap.layout != NULL, CASES[i].is_believed, "%s", CASES[i].what);
        if (module->heap.layout == NULL)
            cr_expect_not_null(strstr(module->heap.why, "is not 32 MiB of private anonymous memory"), "%s: %s",
                               CASES[i].what, module->heap.why);
    }
}
