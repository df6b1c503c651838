/* SPDX-License-Identifier: Apache-2.0
 *
 * GOPAGEWATCH_WATCH: what is taken, what is refused, and of which program it is.
 */
#include "preload/watches.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct watches watches;

static const struct map_path A = {
    .name = "main.a",
    .type_name = "map[string]string",
    .type = 0x4a0000,
    .base = 0x5b0000,
    .steps = {{MAP_STEP_FOLLOW, 0, 0}, {MAP_STEP_FORWARD, 24, 0}, {MAP_STEP_ELEMENT, 8, 3}},
    .steps_count = 3,
};
static const struct map_path B = {.name = "main.b", .type_name = "map[int]int", .type = 0x4a0100, .base = 0x5b0008};

/* `front` and as many paths. */
static char *value_of(const char *front, uint32_t count)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    fputs(front, out);
    for (uint32_t i = 0; i < count; i++) {
        char path[2048];
        cr_assert_gt(map_path_write(i % 2 == 0 ? &A : &B, path, sizeof path), 0u);
        fprintf(out, "%s%s", i == 0 ? "" : ";", path);
    }
    fclose(out);
    return text;
}

Test(watches, takes_paths_and_the_build_id_before_them)
{
    char *value = value_of("@00ff7a:", 2);
    cr_assert(watches_check(value), "%s", value);
    cr_assert(watches_read(&watches, value));
    cr_assert_eq(watches.count, 2u);
    cr_expect_str_eq(watches.paths[0].name, "main.a");
    cr_expect_str_eq(watches.paths[0].type_name, "map[string]string");
    cr_expect_eq(watches.paths[0].steps_count, 3u);
    cr_expect_eq(watches.paths[0].steps[2].number, 3u);
    cr_expect_str_eq(watches.paths[1].name, "main.b");
    cr_expect_eq(watches.paths[1].base, 0x5b0008u);
    cr_assert_eq(watches.build_id_bytes, 3u);
    cr_expect_arr_eq(watches.build_id, ((const uint8_t[]){0, 0xff, 0x7a}), 3);
    free(value);
    value = value_of("", MAP_PATHS_MAX);
    cr_expect(watches_read(&watches, value));
    cr_expect_eq(watches.count, (uint32_t)MAP_PATHS_MAX);
    cr_expect_eq(watches.build_id_bytes, 0u, "that of the last value is forgotten");
    free(value);
}

Test(watches, refuses_what_is_none)
{
    char *one = value_of("", 1), *cut = value_of("", 2), *many = value_of("", MAP_PATHS_MAX + 1);
    char *odd = value_of("@0:", 1), *empty_id = value_of("@:", 1), *upper = value_of("@FF:", 1);
    char long_id[2 * WATCHES_BUILD_ID_BYTES + 8] = "@";
    memset(long_id + 1, 'a', 2 * WATCHES_BUILD_ID_BYTES + 2);
    strcat(long_id, ":");
    char *long_value = value_of(long_id, 1);
    *strrchr(cut, ',') = '\0';
    const char *const WRONG[] = {
        "", ";", "1", "main.a", "@", "@00", "@00ff7a:", "@00ff7a", cut, many, odd, empty_id, upper, long_value};
    cr_assert(watches_check(one));
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        cr_expect_not(watches_check(WRONG[i]), "%s", WRONG[i]);
        watches.count = 1;
        cr_expect_not(watches_read(&watches, WRONG[i]), "%s", WRONG[i]);
        cr_expect_eq(watches.count, 0u, "%s", WRONG[i]);
    }
    for (size_t i = 0; i < 6; i++)
        free((char *[]){one, cut, many, odd, empty_id, upper}[i]);
    free(long_value);
}

Test(watches, are_of_the_program_with_that_build_id)
{
    static struct elf_image image;
    image.build_id_bytes = 2;
    memcpy(image.build_id, "\x12\x34", 2);
    image.go_build_id_bytes = 5;
    memcpy(image.go_build_id, "ab/cd", 5);
    static const struct {
        const char *front;
        bool is_of;
    } CASES[] = {{"", true},      {"@1234:", true},    {"@61622f6364:", true}, {"@1235:", false},
                 {"@12:", false}, {"@123456:", false}, {"@61622f63:", false}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *value = value_of(CASES[i].front, 1);
        cr_assert(watches_read(&watches, value), "%s", value);
        cr_expect_eq(watches_are_of(&watches, &image), CASES[i].is_of, "%s", value);
        free(value);
    }
}
