/* SPDX-License-Identifier: Apache-2.0
 *
 * A core file against the process that left it: it rests, is looked at from outside, and dies. The heap's numbers are
 * those that Go said of itself; what was resident is what the kernel said, page by page.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/core.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/rest.h"
#include "tests/e2e/support/temp_dir.h"

enum { PATH_BYTES = 256, WHAT_BYTES = 128 };

static void begin_quietly(void)
{
    allow_core();
    forbid_huge_pages();
}

static void leave_core(struct program *program, const char *what)
{
    program_signal(program, SIGABRT);
    cr_assert_eq(program_await_end(program), -SIGABRT, "%s: %s", what, program_errors(program));
}

static void check_core(const json_t *core, const struct rest *rest, const char *what)
{
    static const char *const CLASSES[] = {"objects", "unused", "stacks", "free", "released"};
    const uint64_t truth[] = {rest->truth.objects, rest->truth.unused, rest->truth.stacks, rest->truth.free,
                              rest->truth.released};
    for (unsigned i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++) {
        char path[PATH_BYTES], name[32];
        snprintf(path, sizeof path, "go/heaps/0/classes/%s", CLASSES[i]);
        snprintf(name, sizeof name, "go.%s", CLASSES[i]);
        cr_expect_eq(dump_number(core, path), truth[i], "%s: %s is %" PRIu64 ", Go said %" PRIu64, what, CLASSES[i],
                     dump_number(core, path), truth[i]);
        /* Stacks are touched by what a goroutine does before it dies. */
        if (strcmp(CLASSES[i], "stacks") != 0)
            cr_expect_eq(dump_class_resident(core, name), dump_class_resident(rest->attached, name),
                         "%s: %" PRIu64 " of %s were resident, the core tells of %" PRIu64, what,
                         dump_class_resident(rest->attached, name), name, dump_class_resident(core, name));
    }
    cr_expect_eq(dump_number(core, "go/heaps/0/objects"), rest->truth.count, "%s", what);
    cr_expect_eq(dump_class_resident(core, "other"), 0u, "%s", what);
    cr_expect_str_eq(dump_text(core, "books/pagemap/how"), "core", "%s", what);
    cr_expect_str_eq(dump_text(core, "reason"), "core", "%s", what);
}

TOOLCHAIN_TEST(core, heap_is_that_of_the_process_that_died, .timeout = 600)
{
    static const char *const FORMS[] = {"heapstats", "heapstats.stripped", "heapstats.pie.stripped",
                                        "heapstats.static"};
    if (!has_plain_cores())
        cr_skip_test("this system does not leave cores beside the process (kernel.core_pattern)");
    struct temp_dir dir = temp_dir_make();
    for (unsigned i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        char what[WHAT_BYTES];
        snprintf(what, sizeof what, "go%s %s", toolchain->version, FORMS[i]);
        struct program_setup setup = {
            .arguments = (const char *[]){app_path(toolchain, FORMS[i]), NULL},
            .environment = (const char *[]){"GOTRACEBACK=crash", NULL},
            .directory = dir.path,
            .before_exec = begin_quietly,
        };
        struct program *program = program_start(&setup);
        struct rest rest = rest_take(program, NULL, dir.path, "full", REST_ATTACH);
        leave_core(program, what);
        json_t *core = core_dump(app_path(toolchain, FORMS[i]), dir.path);
        check_core(core, &rest, what);
        json_decref(core);
        rest_free(&rest);
        program_free(program);
    }
    temp_dir_remove(&dir);
}

/* With a real core: what may stand in the other's place is in command_input.c. */
static const struct {
    const char *line, *words; /* for the shell, in the core's directory */
} WRONG[] = {
    {"$G core missing core", "missing: cannot be opened: No such file"},
    {"$G core . core", ".: cannot be opened: it is no regular file"},
    {": >empty; $G core empty core", "empty: is not the program of this core"},
    {"$G core /bin/true core", "/bin/true: is not the program of this core"},
    {"$G core $APP core -o .", ".: "},
    {"head -c 100 core >cut; $G core $APP cut", "cut: is cut off: "},
    {"head -c 5000 core >cut; $G core $APP cut", "cut: is cut off: its notes end at byte "},
};

COMMAND_TEST(core, what_does_not_belong_to_a_core_costs_one_line, .timeout = 180)
{
    struct toolchain found[TOOLCHAINS_MAX];
    toolchains_find(found);
    if (!has_plain_cores())
        cr_skip_test("this system does not leave cores beside the process (kernel.core_pattern)");
    char app[PATH_MAX + 8], form[PATH_MAX + 8];
    struct temp_dir dir = temp_dir_make();
    const char *exe = app_path(&found[0], "heapstats");
    struct program *program = program_start(&(struct program_setup){
        .arguments = (const char *[]){exe, NULL},
        .environment = (const char *[]){"GOTRACEBACK=crash", NULL},
        .directory = dir.path,
        .before_exec = begin_quietly,
    });
    program_await_phase(program, "full");
    leave_core(program, exe);
    program_free(program);
    snprintf(app, sizeof app, "APP=%s", exe);
    snprintf(form, sizeof form, "G=%s", built_path(command->name));
    for (unsigned i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        expect_refusal(program_run(&(struct program_setup){
                           .arguments = (const char *[]){"/bin/sh", "-c", WRONG[i].line, NULL},
                           .environment = (const char *[]){app, form, NULL},
                           .directory = dir.path,
                       }),
                       4, WRONG[i].words);
    temp_dir_remove(&dir);
}
