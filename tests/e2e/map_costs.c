/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/maps.md says what is true: its maps of 1,000 entries are made and measured again (tests/setup/maps), and its
 * tables and pictures are what its data says. And a page that says something else is found out.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

enum { PATH_BYTES = 256 };

static struct program *check(const char *page, const char *version)
{
    const char *build = getenv("GPW_BUILD");
    struct program_setup setup = {
        .arguments = (const char *[]){"/usr/bin/python3", "-B", "tests/setup/maps", "check",
                                      build != NULL ? build : "build", page, version, NULL},
    };
    return program_run(&setup);
}

/* A copy of the page and what belongs to it, changed. */
static void copy_changed(const char *directory, void (*change)(char *text))
{
    static const char *const FILES[] = {"maps.md",         "maps/costs.csv",   "maps/growth.csv",
                                        "maps/heap.csv",   "maps/machine.csv", "maps/load.svg",
                                        "maps/growth.svg", "maps/deletes.svg", "maps/heap.svg"};
    char from[PATH_BYTES], to[PATH_BYTES];
    snprintf(to, sizeof to, "%s/maps", directory);
    must(mkdir(to, 0700) == 0, "%s", to);
    for (unsigned i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        snprintf(from, sizeof from, "docs/%s", FILES[i]);
        snprintf(to, sizeof to, "%s/%s", directory, FILES[i]);
        struct text text = text_of_file(from);
        change(text.bytes);
        FILE *file = fopen(to, "w");
        must(file != NULL, "%s", to);
        must(fwrite(text.bytes, 1, text.length, file) == text.length && fclose(file) == 0, "%s", to);
        text_free(&text);
    }
}

/* The first number of bytes in each row of the table of 1,000 entries: behind the slots. */
static void change_bytes(char *text)
{
    static const char SLOTS[] = "| 2,048 | 1";
    for (char *at = text; (at = strstr(at, SLOTS)) != NULL; at += strlen(SLOTS))
        at[strlen(SLOTS) - 1] = '2';
}

static void change_picture(char *text)
{
    char *title = strstr(text, ">What an entry costs");
    if (title != NULL)
        title[1] = 'w';
}

static void expect_found_out(void (*change)(char *text), const char *words)
{
    struct toolchain found[TOOLCHAINS_MAX];
    char page[PATH_BYTES];
    toolchains_find(found);
    struct temp_dir directory = temp_dir_make();
    copy_changed(directory.path, change);
    snprintf(page, sizeof page, "%s/maps.md", directory.path);
    struct program *program = check(page, found[0].version);
    cr_expect_eq(program_await_end(program), 1, "%s", program_errors(program));
    cr_expect_neq(strstr(program_errors(program), words), NULL, "%s", program_errors(program));
    program_free(program);
    temp_dir_remove(&directory);
}

TOOLCHAIN_TEST(map_costs, the_page_says_what_is_measured, .timeout = 180)
{
    struct program *program = check("docs/maps.md", toolchain->version);
    cr_expect_eq(program_await_end(program), 0, "%s", program_errors(program));
    program_free(program);
}

Test(map_costs, bytes_that_are_not_measured_are_found_out, .timeout = 180)
{
    expect_found_out(change_bytes, "1,000 entries, 10-byte strings: bytes: the page says 2");
}

Test(map_costs, a_picture_that_is_not_of_the_data_is_found_out, .timeout = 180)
{
    expect_found_out(change_picture, "growth.svg: is not what");
}
