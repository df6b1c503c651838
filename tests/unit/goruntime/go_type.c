/* SPDX-License-Identifier: Apache-2.0
 *
 * Type descriptors of every version, flattened; and such that make no sense.
 */
#include "goruntime/go_type.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support/fake_go.h"

enum { SIZE_AT = 0, POINTERS_AT = 8, KIND_AT = 23, ELEMENT_AT = 48, ARRAY_LENGTH_AT = 64, FIELDS_AT = 56 };

static struct fake_go go;
static struct go_types types;
static struct bump bump;

static void open_go(const struct go_layout *layout)
{
    fake_go_open(&go, layout);
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_assert(go_types_open(&types, layout, &go.heap.reader, &bump));
}

static const struct go_layout *layout_of(unsigned go_minor)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        if (GO_LAYOUTS[i].go_minor == go_minor && GO_LAYOUTS[i].experiment == NULL)
            return &GO_LAYOUTS[i];
    }
    cr_assert_fail("no layout of go1.%u", go_minor);
    return NULL;
}

static const struct go_type *find(uintptr_t address)
{
    const struct go_type *type = go_types_find(&types, address);
    cr_assert_not_null(type, "go1.%u", go.heap.layout->go_minor);
    return type;
}

static void expect_reference(const struct go_type *type, uint32_t index, enum go_reference_kind kind, uint64_t offset,
                             uintptr_t target, uint64_t target_bytes)
{
    cr_assert_lt(index, type->references_count);
    const struct go_reference *reference = &type->references[index];
    cr_expect_eq(reference->kind, kind, "reference %u is a %d", index, reference->kind);
    cr_expect_eq(reference->offset_bytes, offset, "reference %u lies at %lu", index, reference->offset_bytes);
    cr_expect_eq(reference->type, target, "reference %u", index);
    cr_expect_eq(reference->target_bytes, target_bytes, "reference %u", index);
}

static void expect_repeats(const struct go_type *type, uint32_t index, uint64_t count, uint64_t stride,
                           uint64_t outer_count, uint64_t outer_stride)
{
    const struct go_reference *reference = &type->references[index];
    cr_expect_eq(reference->count, count, "reference %u stands for %lu", index, reference->count);
    cr_expect_eq(reference->outer_count, outer_count, "reference %u stands for %lu times", index,
                 reference->outer_count);
    cr_expect(reference->stride_bytes == stride && reference->outer_stride_bytes == outer_stride,
              "reference %u: %lu, %lu", index, reference->stride_bytes, reference->outer_stride_bytes);
}

Test(go_type, each_kind_refers_to_what_it_should)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t plain = fake_type_plain(&go, GO_KIND_INT64, 8), string = fake_type_string(&go);
        uintptr_t map = fake_type_map(&go, plain, string);
        const struct {
            uintptr_t type;
            uint64_t bytes;
            bool is_direct;
            enum go_reference_kind kind;
            uintptr_t target;
            uint64_t target_bytes;
        } cases[] = {
            {string, 16, false, REFERENCE_STRING, 0, 0},
            {fake_type_of(&go, GO_KIND_SLICE, string), 24, false, REFERENCE_SLICE, string, 16},
            {fake_type_of(&go, GO_KIND_POINTER, plain), 8, true, REFERENCE_POINTER, plain, 8},
            {fake_type_of(&go, GO_KIND_CHAN, string), 8, true, REFERENCE_CHAN, string, 16},
            {fake_type_interface(&go, 0), 16, false, REFERENCE_ANY, 0, 0},
            {fake_type_interface(&go, 2), 16, false, REFERENCE_INTERFACE, 0, 0},
            {fake_type_opaque(&go, GO_KIND_FUNC), 8, true, REFERENCE_OPAQUE, 0, 0},
            {fake_type_opaque(&go, GO_KIND_UNSAFE_POINTER), 8, true, REFERENCE_OPAQUE, 0, 0},
            {map, 8, true, REFERENCE_MAP, map, 8},
        };
        for (unsigned k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            const struct go_type *type = find(cases[k].type);
            cr_expect_eq(type->bytes, cases[k].bytes, "case %u", k);
            cr_expect_eq(type->is_direct, cases[k].is_direct, "go1.%u: case %u", GO_LAYOUTS[i].go_minor, k);
            cr_expect_eq(type->references_count, 1, "case %u", k);
            expect_reference(type, 0, cases[k].kind, 0, cases[k].target, cases[k].target_bytes);
        }
        cr_expect_eq(find(plain)->references_count, 0);
        cr_expect_not(find(plain)->is_direct);
    }
}

/* struct { n int64; a [3]struct { n int64; s string }; e *int64 }; go1.18 and before double the offsets. */
Test(go_type, structs_in_arrays_in_structs_are_flattened)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t plain = fake_type_plain(&go, GO_KIND_INT64, 8), string = fake_type_string(&go);
        uintptr_t pointer = fake_type_of(&go, GO_KIND_POINTER, plain);
        uintptr_t inner = fake_type_struct(&go, 24, (struct fake_field[]){{plain, 0}, {string, 8}}, 2);
        uintptr_t array = fake_type_array(&go, inner, 3);
        const struct go_type *outer =
            find(fake_type_struct(&go, 88, (struct fake_field[]){{plain, 0}, {array, 8}, {pointer, 80}}, 3));
        cr_assert_eq(outer->references_count, 2, "go1.%u: %u", GO_LAYOUTS[i].go_minor, outer->references_count);
        expect_reference(outer, 0, REFERENCE_STRING, 16, 0, 0);
        expect_repeats(outer, 0, 3, 24, 1, 0);
        expect_reference(outer, 1, REFERENCE_POINTER, 80, plain, 8);
        expect_repeats(outer, 1, 1, 0, 1, 0);
        cr_expect_not(outer->is_incomplete);
    }
}

/* Evenly: they are one array; unevenly: an array of arrays; and what lies deeper is looked at one by one. */
Test(go_type, arrays_in_arrays_are_one_reference_however_long)
{
    open_go(layout_of(26));
    uintptr_t plain = fake_type_plain(&go, GO_KIND_INT64, 8), string = fake_type_string(&go);
    uintptr_t inner = fake_type_array(&go, string, 1u << 16);
    const struct go_type *even = find(fake_type_array(&go, inner, 1u << 16));
    cr_assert_eq(even->references_count, 1);
    expect_repeats(even, 0, 1ull << 32, 16, 1, 0);

    uintptr_t pair =
        fake_type_struct(&go, 40, (struct fake_field[]){{plain, 0}, {fake_type_array(&go, string, 2), 8}}, 2);
    const struct go_type *uneven = find(fake_type_array(&go, pair, 1000));
    cr_assert_eq(uneven->references_count, 1);
    expect_reference(uneven, 0, REFERENCE_STRING, 8, 0, 0);
    expect_repeats(uneven, 0, 2, 16, 1000, 40);

    uintptr_t three = fake_type_array(&go, fake_type_array(&go, pair, 1), 3);
    uintptr_t outer = fake_type_struct(&go, 128, (struct fake_field[]){{plain, 0}, {three, 8}}, 2);
    const struct go_type *deep = find(fake_type_array(&go, outer, 5));
    cr_assert_eq(deep->references_count, 2);
    for (uint32_t k = 0; k < 2; k++) {
        expect_reference(deep, k, REFERENCE_STRING, 16 + 16 * k, 0, 0);
        expect_repeats(deep, k, 3, 40, 5, 128);
    }
    cr_expect_not(deep->is_incomplete);
    /* What follows an array is not repeated as it was. */
    const struct go_type *after = find(fake_type_struct(&go, 136, (struct fake_field[]){{three, 0}, {string, 120}}, 2));
    cr_assert_eq(after->references_count, 2);
    expect_repeats(after, 1, 1, 0, 1, 0);
}

Test(go_type, a_struct_of_one_pointer_is_direct_and_refers_as_the_pointer)
{
    open_go(layout_of(27));
    uintptr_t string = fake_type_string(&go), pointer = fake_type_of(&go, GO_KIND_POINTER, string);
    uintptr_t only = fake_type_struct(&go, 8, (struct fake_field[]){{pointer, 0}}, 1);
    const struct go_type *type = find(fake_type_array(&go, only, 1));
    cr_expect(type->is_direct);
    cr_assert_eq(type->references_count, 1);
    expect_reference(type, 0, REFERENCE_POINTER, 0, string, 16);
}

/* A type refers to itself: that is no nesting. */
Test(go_type, a_list_refers_to_its_own_type)
{
    open_go(layout_of(22));
    uintptr_t pointer = fake_type_of(&go, GO_KIND_POINTER, 0);
    uintptr_t node = fake_type_struct(&go, 8, (struct fake_field[]){{pointer, 0}}, 1);
    fake_go_put(&go, pointer + ELEMENT_AT, node);
    const struct go_type *type = find(node);
    cr_assert_eq(type->references_count, 1);
    expect_reference(type, 0, REFERENCE_POINTER, 0, node, 8);
}

Test(go_type, more_references_than_are_kept_are_said_to_be_incomplete)
{
    enum { FIELDS = 16 };
    open_go(layout_of(24));
    uintptr_t type = fake_type_string(&go);
    /* Structs of 16, in structs of 16, ... */
    for (uint64_t bytes = 16, strings = FIELDS; strings <= 4096; bytes *= FIELDS, strings *= FIELDS) {
        struct fake_field fields[FIELDS];
        for (uint64_t i = 0; i < FIELDS; i++)
            fields[i] = (struct fake_field){type, i * bytes};
        type = fake_type_struct(&go, FIELDS * bytes, fields, FIELDS);
        const struct go_type *found = find(type);
        cr_expect_eq(found->references_count, strings < 1024 ? strings : 1024);
        cr_expect_eq(found->is_incomplete, strings > 1024);
    }
}

Test(go_type, a_type_is_read_once)
{
    open_go(layout_of(25));
    uintptr_t string = fake_type_string(&go);
    const struct go_type *first = find(string);
    uint64_t reads = go.heap.reads;
    cr_expect_eq(find(string), first);
    cr_expect_eq(go.heap.reads, reads);
}

/* ---- what makes no sense ---- */

static uintptr_t damaged_string(uint64_t at, uint64_t word)
{
    uintptr_t type = fake_type_string(&go);
    fake_go_put(&go, type + at, word);
    return type;
}

static uintptr_t damaged_array(uint64_t at, uint64_t word)
{
    uintptr_t type = fake_type_array(&go, fake_type_string(&go), 4);
    fake_go_put(&go, type + at, word);
    return type;
}

static uintptr_t struct_with_field_at(uint64_t offset)
{
    return fake_type_struct(&go, 24, (struct fake_field[]){{fake_type_string(&go), offset}}, 1);
}

/* Arrays of one element, one in the other. */
static uintptr_t nested(unsigned depth)
{
    uintptr_t type = fake_type_string(&go);
    for (unsigned i = 1; i < depth; i++)
        type = fake_type_array(&go, type, 1);
    return type;
}

static uintptr_t fields_over_each_other(void)
{
    uintptr_t string = fake_type_string(&go);
    return fake_type_struct(&go, 24, (struct fake_field[]){{string, 0}, {string, 8}}, 2);
}

static uintptr_t array_of_itself(void)
{
    uintptr_t type = damaged_array(ARRAY_LENGTH_AT, 1);
    fake_go_put(&go, type + ELEMENT_AT, type);
    return type;
}

static uintptr_t struct_of_many_fields(uint64_t count)
{
    uintptr_t type = struct_with_field_at(0);
    fake_go_put(&go, type + FIELDS_AT + 8, count);
    return type;
}

Test(go_type, what_makes_no_sense_is_no_type)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        const struct {
            const char *what;
            uintptr_t type;
        } cases[] = {
            {"nil", 0},
            {"an odd address", fake_type_string(&go) + 4},
            {"what cannot be read", FAKE_TYPES + (1 << 30)},
            {"the end of the address space", UINTPTR_MAX - 7},
            {"zeroed memory", FAKE_TYPES + FAKE_TYPES_BYTES - 256},
            {"a string of one word", damaged_string(SIZE_AT, 8)},
            {"a string of three words", damaged_string(SIZE_AT, 24)},
            {"a value of an exabyte", damaged_array(SIZE_AT, 1ull << 60)},
            {"pointers behind the value", damaged_array(POINTERS_AT, 65)},
            {"an array longer than its bytes", damaged_array(ARRAY_LENGTH_AT, 5)},
            {"an array of 2^63 elements", damaged_array(ARRAY_LENGTH_AT, 1ull << 63)},
            {"an array of nothing readable", damaged_array(ELEMENT_AT, 0x10)},
            {"a field behind its struct", struct_with_field_at(9)},
            {"a field at the end of the address space", struct_with_field_at((UINT64_MAX >> 1) - 7)},
            {"a struct whose fields end with its memory", struct_of_many_fields(UINT64_MAX)},
            {"an array of itself", array_of_itself()},
            {"fields that lie over each other", fields_over_each_other()},
            {"nesting without end", nested(40)},
        };
        for (unsigned k = 0; k < sizeof cases / sizeof cases[0]; k++)
            cr_expect_null(go_types_find(&types, cases[k].type), "go1.%u: %s", GO_LAYOUTS[i].go_minor, cases[k].what);
        cr_expect_not_null(go_types_find(&types, nested(30)));
    }
}

/* The element's own element is not looked at, but its size counts. */
Test(go_type, a_pointer_to_what_is_no_type_makes_the_value_none)
{
    open_go(layout_of(26));
    cr_expect_null(go_types_find(&types, fake_type_of(&go, GO_KIND_POINTER, damaged_string(SIZE_AT, 1))));
    cr_expect_null(go_types_find(&types, fake_type_of(&go, GO_KIND_SLICE, 0x1000)));
}

Test(go_type, a_descriptor_may_end_with_its_segment)
{
    open_go(layout_of(21));
    uintptr_t last = FAKE_TYPES + FAKE_TYPES_BYTES - 48;
    memcpy(fake_go_at(&go, last), fake_go_at(&go, fake_type_string(&go)), 48);
    cr_expect_eq(find(last)->references_count, 1);
}

/* Millions of values may each name another address. */
Test(go_type, what_is_read_for_nothing_is_bounded_until_the_next_walk)
{
    open_go(layout_of(23));
    uintptr_t known = fake_type_string(&go), other = fake_type_of(&go, GO_KIND_SLICE, known);
    find(known);
    for (uint64_t i = 0; i < 1u << 20; i++)
        cr_assert_null(go_types_find(&types, 0x10000000 + i * 8));
    uint64_t reads = go.heap.reads;
    cr_expect_lt(reads, 1u << 20, "%lu reads", reads);
    cr_expect_not_null(go_types_find(&types, known));
    cr_expect_null(go_types_find(&types, other));
    cr_expect(types.is_full);
    cr_expect_eq(go.heap.reads, reads);
    go_types_renew(&types);
    cr_expect_not(types.is_full);
    cr_expect_not_null(go_types_find(&types, other));
}

Test(go_type, the_same_failure_is_read_once)
{
    open_go(layout_of(23));
    uintptr_t bad = damaged_string(SIZE_AT, 8);
    cr_expect_null(go_types_find(&types, bad));
    uint64_t reads = go.heap.reads;
    cr_expect_null(go_types_find(&types, bad));
    cr_expect_eq(go.heap.reads, reads);
    cr_expect_not(types.is_full);
}

Test(go_type, no_more_types_are_kept_than_there_is_room_for)
{
    open_go(layout_of(23));
    enum { SEEN = 9 };
    uint8_t string[48];
    unsigned found = 0;
    memcpy(string, fake_go_at(&go, fake_type_string(&go)), sizeof string);
    /* The same descriptor, seen at many addresses. */
    for (unsigned i = 0; i < SEEN; i++)
        fake_memory_add(&go.heap.memory, 0x20000000 + i * FAKE_TYPES_BYTES, go.types, FAKE_TYPES_BYTES);
    for (uint64_t i = 8; i + 80 <= FAKE_TYPES_BYTES; i += 80)
        memcpy(go.types + i, string, sizeof string);
    for (uint64_t i = 8; i + 80 <= FAKE_TYPES_BYTES; i += 80)
        for (uint64_t k = 0; k < SEEN; k++)
            found += go_types_find(&types, 0x20000000 + k * FAKE_TYPES_BYTES + i) != NULL;
    cr_expect_eq(found, 4096, "%u", found);
    cr_expect(types.is_full);
    cr_expect_not_null(go_types_find(&types, 0x20000008));
}

Test(go_type, a_head_says_what_the_descriptor_says)
{
    struct go_type_head head;
    open_go(layout_of(20));
    uintptr_t type = fake_type_array(&go, fake_type_string(&go), 3);
    cr_assert(go_type_read_head(&head, go.heap.layout, &go.heap.reader, type));
    cr_expect_eq(head.bytes, 48);
    cr_expect_eq(head.pointers_bytes, 40);
    cr_expect_eq(head.kind, GO_KIND_ARRAY);
    cr_expect_not(go_type_read_head(&head, go.heap.layout, &go.heap.reader, type + KIND_AT));
}
