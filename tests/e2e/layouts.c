/* SPDX-License-Identifier: Apache-2.0
 *
 * The committed layouts against binaries of every toolchain at hand, by the same program that generates them: what
 * holds for the Go versions they were made from must hold for the point releases that are here now.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/text.h"

#define COMMITTED "shim/goruntime/layouts_amd64.c"

/* Reads one row from the binary. For program_free. */
static struct program *generate_row(const char *version, const char *binary)
{
    char row[4200];
    snprintf(row, sizeof row, "%s=%s", version, binary);
    const char *arguments[] = {built_path("tests/layouts"), "--row", row, NULL};
    return program_run(&(struct program_setup){.arguments = arguments});
}

static int line_length(const char *line)
{
    return (int)strcspn(line, "\n");
}

/* The rows begin alike up to the version; that without an experiment comes first. */
static const char *find_committed(const struct text *file, unsigned minor)
{
    char begin[64];
    snprintf(begin, sizeof begin, "    {\n        .go_minor = %u,\n", minor);
    const char *found = strstr(text_string(file), begin);
    cr_assert_not_null(found, "go1.%u is not in %s", minor, COMMITTED);
    return found;
}

static void check_row(const char *generated, const char *committed, const char *binary)
{
    while (*generated != '\0') {
        int length = line_length(generated);
        cr_assert(length == line_length(committed) && strncmp(generated, committed, (size_t)length) == 0,
                  "%s has\n%.*s\nbut %s\n%.*s\n(make layouts)", binary, length, generated, COMMITTED,
                  line_length(committed), committed);
        generated += length + 1;
        committed += length + 1;
    }
}

TOOLCHAIN_TEST(layouts, are_those_of_the_binaries_that_are_built_today, .timeout = 180)
{
    static const char *const FORMS[] = {"mapdemo", "mapdemo.race"}; /* the race detector moves nothing */
    struct text file = text_of_file(COMMITTED);
    for (unsigned i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        if (!app_exists(toolchain, FORMS[i]))
            continue;
        const char *binary = app_path(toolchain, FORMS[i]);
        struct program *program = generate_row(toolchain->version, binary);
        cr_assert_eq(program_await_end(program), 0, "%s", program_errors(program));
        cr_expect_gt(strlen(program_output(program)), 1000u);
        check_row(program_output(program), find_committed(&file, toolchain_minor(toolchain)), binary);
        program_free(program);
    }
    text_free(&file);
}

static void check_is_refused(const char *version, const char *binary, const char *reason)
{
    struct program *program = generate_row(version, binary);
    cr_expect_eq(program_await_end(program), 1, "%s", binary);
    cr_expect_str_empty(program_output(program));
    cr_expect_not_null(strstr(program_errors(program), reason), "%s", program_errors(program));
    program_free(program);
}

TOOLCHAIN_TEST(layouts, are_not_generated_from_what_cannot_be_trusted, .timeout = 180)
{
    char other[TOOLCHAIN_BYTES];
    unsigned minor = toolchain_minor(toolchain);
    snprintf(other, sizeof other, "1.%u", minor == 20 ? 21 : 20);
    check_is_refused(other, app_path(toolchain, "mapdemo"), "built by go1.");
    check_is_refused("1.26+nogreenteagc", app_path(toolchain, "mapdemo"),
                     minor == 26 ? "experiments" : "built by go1.");
    check_is_refused("1.26+unheard", app_path(toolchain, "mapdemo"), "no such row");
    check_is_refused("1.16", app_path(toolchain, "mapdemo"), "no such row");
    check_is_refused(toolchain->version, app_path(toolchain, "mapdemo.stripped"), "no DWARF");
    check_is_refused(toolchain->version, app_path(toolchain, "chost"), "no Go compiler");
    check_is_refused(toolchain->version, "/nonexistent/file", "No such file");
    check_is_refused(toolchain->version, "Makefile", "no DWARF");
}
