/* SPDX-License-Identifier: Apache-2.0
 *
 * The way to a map as text and in memory: both may hold anything.
 */
#include "goruntime/map_path.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/fake_memory.h"

enum { TEXT_BYTES = 4096, BIAS = 0x550000000000, BASE = 0x5000, HEAP = 0x7f0000001000 };

static const struct map_path EVERY_STEP = {
    .name = "github.com/x/y.v1.Cache.m[3]",
    .type_name = "map[string]struct { a int; \xc3\xa4 }",
    .type = 0x4d2a80,
    .base = 0x5a1000,
    .steps = {{.kind = MAP_STEP_FOLLOW},
              {.kind = MAP_STEP_FORWARD, .bytes = 24},
              {.kind = MAP_STEP_ELEMENT, .number = 3, .bytes = UINT64_MAX}},
    .steps_count = 3,
};

static const char EVERY_STEP_TEXT[] =
    "github.com/x/y.v1.Cache.m[3],map[string]struct%20%7b%20a%20int%3b%20%c3%a4%20%7d,"
    "0x4d2a80,0x5a1000,*,+24,[3:18446744073709551615";

static void expect_equal(const struct map_path *left, const struct map_path *right)
{
    cr_expect_str_eq(left->name, right->name);
    cr_expect_str_eq(left->type_name, right->type_name);
    cr_expect_eq(left->type, right->type);
    cr_expect_eq(left->base, right->base);
    cr_assert_eq(left->steps_count, right->steps_count);
    for (uint32_t i = 0; i < left->steps_count; i++) {
        cr_expect_eq(left->steps[i].kind, right->steps[i].kind);
        cr_expect_eq(left->steps[i].bytes, right->steps[i].bytes);
        cr_expect_eq(left->steps[i].number, right->steps[i].number);
    }
}

/* ---- text ---- */

Test(map_path, every_step_is_written_and_read_again)
{
    char text[TEXT_BYTES];
    struct map_path path;
    const char *rest;
    cr_assert_eq(map_path_write(&EVERY_STEP, text, sizeof text), sizeof EVERY_STEP_TEXT - 1);
    cr_expect_str_eq(text, EVERY_STEP_TEXT);
    cr_assert(map_path_parse(&path, text, &rest));
    cr_expect_str_eq(rest, "");
    expect_equal(&path, &EVERY_STEP);
    cr_expect_not(path.is_absolute);
    cr_expect_not(path.is_header);
}

Test(map_path, paths_follow_each_other)
{
    struct map_path path;
    const char *rest;
    cr_assert(map_path_parse(&path, "main.a,T,0x1,0x2;main.b,T,0x1,0x3,*", &rest));
    cr_expect_str_eq(path.name, "main.a");
    cr_assert(map_path_parse(&path, rest, &rest));
    cr_expect_str_eq(path.name, "main.b");
    cr_expect_eq(path.steps_count, 1);
    cr_expect_str_eq(rest, "");
}

Test(map_path, text_that_does_not_fit_is_not_written)
{
    char text[TEXT_BYTES];
    for (uint64_t bytes = 0; bytes < sizeof EVERY_STEP_TEXT; bytes++) {
        memset(text, '#', sizeof text);
        cr_assert_eq(map_path_write(&EVERY_STEP, text, bytes), 0, "%zu bytes", (size_t)bytes);
        cr_assert_eq(text[bytes], '#', "%zu bytes", (size_t)bytes);
    }
    cr_expect_eq(map_path_write(&EVERY_STEP, text, sizeof EVERY_STEP_TEXT), sizeof EVERY_STEP_TEXT - 1);
}

Test(map_path, what_was_given_by_address_has_no_text)
{
    char text[TEXT_BYTES];
    struct map_path path = EVERY_STEP;
    path.is_absolute = true;
    cr_expect_eq(map_path_write(&path, text, sizeof text), 0);
    path = EVERY_STEP;
    path.is_header = true;
    cr_expect_eq(map_path_write(&path, text, sizeof text), 0);
}

Test(map_path, longest_names_and_all_steps_come_back)
{
    char text[TEXT_BYTES];
    const char *rest;
    struct map_path path, longest = {.type = UINTPTR_MAX, .base = 1, .steps_count = MAP_PATH_STEPS_MAX};
    memset(longest.name, ' ', sizeof longest.name - 1);
    memset(longest.type_name, '%', sizeof longest.type_name - 1);
    cr_assert_neq(map_path_write(&longest, text, sizeof text), 0);
    cr_assert(map_path_parse(&path, text, &rest));
    expect_equal(&path, &longest);
    longest.steps_count++;
    cr_expect_eq(map_path_write(&longest, text, sizeof text), 0);
}

Test(map_path, other_text_is_refused)
{
    static const char *const TEXTS[] = {
        "",
        ";",
        "main.a",
        "main.a,",
        "main.a,T",
        "main.a,T,",
        "main.a,T,0x1",
        "main.a,T,0x1,",
        ",T,0x1,0x2",
        "main.a,,0x1,0x2",
        "main.a,T,1,0x2",
        "main.a,T,0x,0x2",
        "main.a,T,0x1,0x",
        "main.a,T,0x0,0x2",
        "main.a,T,0x1,0x0",
        "main.a,T,0x1ffffffffffffffff,0x2",
        "main.a,T,0x1,0x2,",
        "main.a,T,0x1,0x2,?",
        "main.a,T,0x1,0x2,+",
        "main.a,T,0x1,0x2,+x",
        "main.a,T,0x1,0x2,+-1",
        "main.a,T,0x1,0x2,+18446744073709551616",
        "main.a,T,0x1,0x2,[",
        "main.a,T,0x1,0x2,[1",
        "main.a,T,0x1,0x2,[1:",
        "main.a,T,0x1,0x2,[:1",
        "main.a,T,0x1,0x2,[1:2]",
        "main.a,T,0x1,0x2*",
        "main.a,T,0x1,0x2 ",
        "main.a,T,0x1,0x2,**",
        "main.a,T,0x1,0x2,*,*,*,*,*,*,*,*,*,*,*,*,*,*,*,*,*",
        "main a,T,0x1,0x2",
        "main\n,T,0x1,0x2",
        "main%,T,0x1,0x2",
        "main%2,T,0x1,0x2",
        "main%2g,T,0x1,0x2",
        "main%00,T,0x1,0x2",
        "main%1b,T,0x1,0x2",
        "main%7f,T,0x1,0x2",
        "main.a,%0a,0x1,0x2",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct map_path path;
        const char *rest;
        cr_expect_not(map_path_parse(&path, TEXTS[i], &rest), "%s", TEXTS[i]);
    }
}

Test(map_path, name_that_is_too_long_is_refused)
{
    char text[TEXT_BYTES];
    struct map_path path;
    const char *rest;
    snprintf(text, sizeof text, "%0*d,T,0x1,0x2", MAP_PATH_NAME_BYTES - 1, 7);
    cr_expect(map_path_parse(&path, text, &rest));
    snprintf(text, sizeof text, "%0*d,T,0x1,0x2", MAP_PATH_NAME_BYTES, 7);
    cr_expect_not(map_path_parse(&path, text, &rest));
}

/* ---- memory ---- */

static struct fake_memory memory;
static uintptr_t module[8], heap[16]; /* at BIAS + BASE and at HEAP */
static uintptr_t place;
static const char *why;

static bool go(const struct map_step *steps, uint32_t count)
{
    struct map_path path = {.base = BASE, .steps_count = count};
    memcpy(path.steps, steps, count * sizeof *steps);
    fake_memory_open(&memory);
    fake_memory_add(&memory, (uintptr_t)BIAS + BASE, (const uint8_t *)module, sizeof module);
    fake_memory_add(&memory, HEAP, (const uint8_t *)heap, sizeof heap);
    why = NULL;
    return map_path_go(&path, &memory.reader, BIAS, &place, &why);
}

static void expect_refused(const struct map_step *steps, uint32_t count, const char *reason)
{
    cr_expect_not(go(steps, count), "%s", reason);
    cr_assert_not_null(why, "%s", reason);
    cr_expect_not_null(strstr(why, reason), "%s, not: %s", why, reason);
}

Test(map_path, variable_itself_needs_no_memory)
{
    cr_assert(go(NULL, 0));
    cr_expect_eq(place, (uintptr_t)BIAS + BASE);
    cr_expect_eq(memory.reads, 0);
}

Test(map_path, each_step_leads_on)
{
    static const struct map_step STEPS[] = {
        {.kind = MAP_STEP_FORWARD, .bytes = 8},  {.kind = MAP_STEP_FOLLOW},
        {.kind = MAP_STEP_FORWARD, .bytes = 16}, {.kind = MAP_STEP_ELEMENT, .number = 2, .bytes = 24},
        {.kind = MAP_STEP_FORWARD, .bytes = 8},
    };
    module[1] = HEAP;
    heap[2] = HEAP + 40;
    heap[3] = 3;
    heap[4] = 3;
    cr_assert(go(STEPS, 5), "%s", why);
    cr_expect_eq(place, (uintptr_t)HEAP + 40 + 2 * 24 + 8);
}

Test(map_path, nil_and_unreadable_pointers_are_told_apart)
{
    static const struct map_step STEPS[] = {{.kind = MAP_STEP_FOLLOW}, {.kind = MAP_STEP_FOLLOW}};
    module[0] = 0;
    expect_refused(STEPS, 1, "nil");
    module[0] = HEAP - 8;
    cr_expect(go(STEPS, 1), "where a pointer leads is not read");
    expect_refused(STEPS, 2, "cannot be read");
    module[0] = HEAP + sizeof heap - 4;
    expect_refused(STEPS, 2, "cannot be read");
}

Test(map_path, index_behind_the_end_is_refused)
{
    struct map_step step = {.kind = MAP_STEP_ELEMENT, .number = 2, .bytes = 8};
    module[0] = HEAP;
    module[1] = 3;
    cr_expect(go(&step, 1));
    cr_expect_eq(place, (uintptr_t)HEAP + 16);
    module[1] = 2;
    module[2] = 100;
    expect_refused(&step, 1, "behind the slice's end");
    module[0] = module[1] = 0;
    expect_refused(&step, 1, "behind the slice's end");
    module[1] = 3;
    expect_refused(&step, 1, "nil");
}

Test(map_path, way_out_of_the_address_space_is_refused)
{
    struct map_step steps[] = {{.kind = MAP_STEP_FORWARD, .bytes = UINT64_MAX}};
    expect_refused(steps, 1, "address space");
    steps[0] = (struct map_step){.kind = MAP_STEP_ELEMENT, .number = UINT64_MAX / 2, .bytes = 3};
    module[0] = HEAP;
    module[1] = UINT64_MAX;
    expect_refused(steps, 1, "address space");
    steps[0] = (struct map_step){.kind = MAP_STEP_ELEMENT, .number = 1, .bytes = UINT64_MAX - HEAP + 1};
    expect_refused(steps, 1, "address space");
}

Test(map_path, slice_at_the_end_of_memory_is_refused)
{
    static const struct map_step STEPS[] = {{.kind = MAP_STEP_FORWARD, .bytes = sizeof module - 8},
                                            {.kind = MAP_STEP_ELEMENT, .number = 0, .bytes = 8}};
    expect_refused(STEPS, 2, "cannot be read");
}

Test(map_path, given_address_gets_no_bias)
{
    const struct map_path path = {.base = HEAP, .is_absolute = true, .is_header = true};
    fake_memory_open(&memory);
    cr_assert(map_path_go(&path, &memory.reader, BIAS, &place, &why));
    cr_expect_eq(place, HEAP);
}

Test(map_path, bias_may_be_negative)
{
    const struct map_path path = {.base = BASE};
    fake_memory_open(&memory);
    cr_assert(map_path_go(&path, &memory.reader, (uintptr_t)-0x1000, &place, &why));
    cr_expect_eq(place, BASE - 0x1000);
}
