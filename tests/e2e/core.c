/* SPDX-License-Identifier: Apache-2.0
 *
 * A core file against the process that left it: it rests, is looked at from outside, and dies. The heap's numbers are
 * those that Go said of itself; what was resident is what the kernel said, page by page.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
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
#include "tests/e2e/support/rest.h"
#include "tests/e2e/support/temp_dir.h"

enum { PATH_BYTES = 256, WHAT_BYTES = 128 };

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

TOOLCHAIN_TEST(core, heap_is_that_of_the_process_that_died, .timeout = 240)
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
            .before_exec = allow_core,
        };
        struct program *program = program_start(&setup);
        struct rest rest = rest_take(program, NULL, dir.path, "full", REST_ATTACH);
        program_signal(program, SIGABRT);
        cr_assert_eq(program_await_end(program), -SIGABRT, "%s: %s", what, program_errors(program));
        json_t *core = core_dump(app_path(toolchain, FORMS[i]), dir.path);
        check_core(core, &rest, what);
        json_decref(core);
        rest_free(&rest);
        program_free(program);
    }
    temp_dir_remove(&dir);
}
