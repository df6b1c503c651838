/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of types in the modules of a heap that a test makes up, in the layout of every version, and damaged ones.
 */
#include "goruntime/go_type_name.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support/fake_heap.h"

enum { TYPES_BYTES = 4096, DESCRIPTOR = 64, NAME = 512, DESCRIPTOR_BYTES = 48, EXTRA_STAR = 1 << 1, KIND_STRUCT = 25 };

static struct fake_heap fake;
static struct go_heap heap;
static uintptr_t types, plugin; /* where the types of the two modules lie */
static char name[GO_TYPE_NAME_BYTES];

/* Where the second module's moduledata lies: behind the tables. */
static uintptr_t open_module(uintptr_t moduledata)
{
    const struct go_layout *layout = fake.layout;
    uintptr_t start = fake_heap_take(&fake, TYPES_BYTES);
    uint64_t offset = moduledata - fake.image.base;
    if (moduledata == heap.moduledata) {
        go_image_put_u64(&fake.image, offset + layout->moduledata_types.offset_bytes, start);
        go_image_put_u64(&fake.image, offset + layout->moduledata_types_end.offset_bytes, start + TYPES_BYTES);
    } else {
        fake_heap_put_field(&fake, moduledata, layout->moduledata_types, start);
        fake_heap_put_field(&fake, moduledata, layout->moduledata_types_end, start + TYPES_BYTES);
    }
    return start;
}

static void put_name(uintptr_t module, uint64_t offset, const char *text)
{
    uint64_t length = strlen(text);
    uint8_t *at = fake_heap_at(&fake, module + offset);
    *at++ = 1;
    for (; length >= 0x80; length >>= 7)
        *at++ = (uint8_t)(length | 0x80);
    *at++ = (uint8_t)length;
    memcpy(at, text, strlen(text));
}

static uintptr_t put_type(uintptr_t module, uint64_t bytes, uint8_t flags, int32_t name_offset)
{
    uintptr_t at = module + DESCRIPTOR;
    fake_heap_put(&fake, at, bytes, 8);
    fake_heap_put(&fake, at + 8, 8, 8);
    fake_heap_put(&fake, at + 20, flags, 1);
    fake_heap_put(&fake, at + 23, KIND_STRUCT, 1);
    fake_heap_put(&fake, at + 40, (uint32_t)name_offset, 4);
    return at;
}

static void open_types(const struct go_layout *layout)
{
    fake_heap_open(&fake, layout, FAKE_TABLES);
    heap = fake_heap_described(&fake);
    uintptr_t second = fake_heap_take(&fake, 1024);
    types = open_module(heap.moduledata);
    plugin = open_module(second);
    go_image_put_u64(&fake.image, heap.moduledata - fake.image.base + layout->moduledata_next.offset_bytes, second);
}

/* Of the type in that module; NULL: it has none. */
static const char *name_of(uintptr_t type)
{
    struct go_type_head head;
    cr_assert(go_type_read_head(&head, heap.layout, heap.reader, type));
    return go_type_name(name, &heap, type, &head) ? name : NULL;
}

Test(go_type_name, is_that_of_the_module_in_which_the_type_lies)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_types(&GO_LAYOUTS[i]);
        put_name(types, NAME, "*main.node");
        put_name(plugin, NAME, "map[string]shop.Item");
        uintptr_t node = put_type(types, 1792, EXTRA_STAR, NAME), item = put_type(plugin, 8, 0, NAME);
        cr_assert_str_eq(name_of(node), "main.node", "go1.%u", fake.layout->go_minor);
        cr_assert_str_eq(name_of(item), "map[string]shop.Item", "go1.%u", fake.layout->go_minor);
        put_type(types, 1792, 0, NAME);
        cr_assert_str_eq(name_of(node), "*main.node");
    }
}

Test(go_type_name, may_be_long_and_is_cut_then)
{
    char text[1000];
    open_types(&GO_LAYOUTS[0]);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    put_name(types, NAME, text);
    const char *cut = name_of(put_type(types, 8, 0, NAME));
    cr_assert_not_null(cut);
    cr_expect_eq(strlen(cut), GO_TYPE_NAME_BYTES - 1u);
    cr_expect_str_eq(cut + GO_TYPE_NAME_BYTES - 5, "x...");
    text[GO_TYPE_NAME_BYTES - 1] = '\0';
    put_name(types, NAME, text);
    cr_expect_str_eq(name_of(types + DESCRIPTOR), text, "it fits");
}

Test(go_type_name, of_damaged_types_is_none)
{
    open_types(&GO_LAYOUTS[0]);
    put_name(types, NAME, "main.node");
    cr_expect_null(name_of(put_type(types, 8, 0, 0)), "no name");
    cr_expect_null(name_of(put_type(types, 8, 0, -1)), "made by reflect");
    cr_expect_null(name_of(put_type(types, 8, 0, TYPES_BYTES)), "behind the module's types");
    cr_expect_null(name_of(put_type(types, 8, 0, INT32_MAX)));
    put_type(types, 8, 0, TYPES_BYTES - 8);
    put_name(types, TYPES_BYTES - 8, "main.n");
    cr_expect_str_eq(name_of(types + DESCRIPTOR), "main.n", "the last bytes");
    fake_heap_put(&fake, types + TYPES_BYTES - 7, 7, 1);
    cr_expect_null(name_of(types + DESCRIPTOR), "longer than the types are");
    memset(fake_heap_at(&fake, types + NAME), 0xff, 64);
    cr_expect_null(name_of(put_type(types, 8, 0, NAME)), "a length without end");
    put_name(types, NAME, "");
    cr_expect_null(name_of(put_type(types, 8, EXTRA_STAR, NAME)), "not even the star");
    put_name(types, NAME, "main.node");
    fake_heap_put(&fake, types + NAME + 4, 0, 1);
    cr_expect_null(name_of(put_type(types, 8, 0, NAME)), "a zero in it");
    fake_heap_hide(&fake, types + NAME, 16);
    cr_expect_null(name_of(put_type(types, 8, 0, NAME)), "not readable");
}

Test(go_type_name, modules_in_a_ring_have_an_end)
{
    open_types(&GO_LAYOUTS[0]);
    uint64_t next = heap.layout->moduledata_next.offset_bytes;
    uintptr_t second = (uintptr_t)go_image_get_u64(&fake.image, heap.moduledata - fake.image.base + next);
    fake_heap_put(&fake, second + next, second, 8);
    uintptr_t elsewhere = fake_heap_take(&fake, TYPES_BYTES);
    cr_expect_null(name_of(put_type(elsewhere, 8, 0, NAME)));
}

Test(go_type_name, what_is_no_descriptor_is_refused)
{
    struct go_type_head head;
    open_types(&GO_LAYOUTS[0]);
    uintptr_t type = put_type(types, 8, 0, NAME);
    cr_expect(go_type_read_head(&head, heap.layout, heap.reader, type));
    cr_expect(head.bytes == 8 && head.kind == KIND_STRUCT && !head.has_extra_star && head.name_offset == NAME);
    cr_expect_not(go_type_read_head(&head, heap.layout, heap.reader, 0));
    cr_expect_not(go_type_read_head(&head, heap.layout, heap.reader, type + 1));
    fake_heap_put(&fake, type + 23, 0, 1);
    cr_expect_not(go_type_read_head(&head, heap.layout, heap.reader, type), "kind 0");
    put_type(types, 4, 0, NAME);
    cr_expect_not(go_type_read_head(&head, heap.layout, heap.reader, type), "more pointers than bytes");
    fake_heap_hide(&fake, type, DESCRIPTOR_BYTES);
    cr_expect_not(go_type_read_head(&head, heap.layout, heap.reader, type));
}
