/* SPDX-License-Identifier: Apache-2.0
 *
 * include/gopagewatch.h by itself: every C and C++ takes it, it reaches the shim from an executable of any form, and
 * where there is none it costs one system call.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/watched.h"

#define SOURCE "tests/apps/clienthost/clienthost.c"
#define INERT "active=0 mark=-1 dump=-1 settle=0\n"
#define WARNINGS "-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wundef -pedantic -Iinclude "

enum { COMMAND_BYTES = 2048 };

/* Runs a shell command that has to end well and say nothing on standard error; returns what it said on the other, valid
 * for the rest of the test. */
__attribute__((format(printf, 1, 2))) static const char *shell(const char *format, ...)
{
    char command[COMMAND_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof command)
        fail("the command is too long: %s", command);
    struct program *program =
        program_run(&(struct program_setup){.arguments = (const char *[]){"sh", "-c", command, NULL}});
    if (program_await_end(program) != 0 || program_errors(program)[0] != '\0')
        fail("%s: %s", command, program_errors(program));
    return program_output(program);
}

Test(client, header_is_c99_and_cxx_without_a_warning, .timeout = 180)
{
    static const char *const COMPILERS[] = {
        "gcc -std=c99",
        "gcc -std=gnu99",
        "gcc -std=c17",
        "gcc -std=c2x",
        "clang -std=c99",
        "clang -std=c17",
        "clang -x c++ -std=c++98",
        "clang -x c++ -std=c++20",
        "clang -std=c99 -Weverything -Wno-declaration-after-statement",
    };
    for (unsigned i = 0; i < sizeof COMPILERS / sizeof COMPILERS[0]; i++) {
        const char *warnings = strstr(COMPILERS[i], "c++") == NULL ? WARNINGS : "-Wall -Wextra -Werror -Iinclude ";
        shell("%s %s -fsyntax-only " SOURCE, COMPILERS[i], warnings);
    }
    shell("echo '#include <sys/mman.h>\n#include \"gopagewatch.h\"\n#include <sys/mman.h>\n' | "
          "gcc -D_GNU_SOURCE " WARNINGS "-fsyntax-only -x c -");
}

/* ---- every form of executable ---- */

static const char *const FORMS[] = {
    "-O2 -no-pie -fno-pie",
    "-O0 -no-pie -fno-pie",
    "-O2 -pie -fPIE",
    "-O2 -no-pie -fno-pie -flto",
    "-O2 -fno-plt -pie",
    "-O2 -pie -fPIE -Wl,-z,now",
    "-O2 -no-pie -fno-pie -fvisibility=hidden",
    "-O2 -no-pie -fno-pie -fuse-ld=gold",
};

static const char *const COMPILERS[] = {"gcc", "clang"};

static void expect_inert(const char *path, const char *preload, const char *how)
{
    struct program_setup setup = {
        .arguments = (const char *[]){path, NULL},
        .environment = (const char *[]){preload, NULL},
    };
    struct program *program = program_run(&setup);
    cr_expect_eq(program_await_end(program), 0, "%s: %s", how, program_errors(program));
    cr_expect_str_eq(program_output(program), INERT, "%s", how);
    cr_expect_str_empty(program_errors(program), "%s: %s", how, program_errors(program));
    program_free(program);
}

static void expect_dump(const char *path, const char *how)
{
    struct program_setup setup = {.arguments = (const char *[]){path, NULL}};
    struct watched *watched = watched_start(&setup);
    program_close_input(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0, "%s: %s", how, program_errors(watched->program));
    cr_expect_str_eq(program_output(watched->program), "active=1 mark=0 dump=0\n", "%s", how);
    const char *dump_path = outbox_next(&watched->outbox);
    cr_assert_not_null(dump_path, "%s", how);
    json_t *dump = dump_load(dump_path);
    cr_expect_str_eq(dump_text(dump, "reason"), "program", "%s", how);
    cr_expect_str_eq(dump_text(dump, "label"), "by C", "%s", how);
    cr_expect_str_eq(dump_text(dump, "phase"), "in C", "%s", how);
    json_decref(dump);
    cr_expect_null(outbox_next(&watched->outbox), "%s", how);
    watched_end(watched);
}

/* Where a file lies. Valid until the next call. */
static const char *directory_of(const char *path)
{
    static char directory[PATH_MAX];
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
    return directory;
}

/* A C program, the Go runtime in a library beside it. */
static void try_form(const struct temp_dir *dir, const char *go_library, const char *compiler, const char *form)
{
    const char *go_directory = directory_of(go_library);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/host", dir->path);
    shell("%s %s -Iinclude " SOURCE " -o %s -L%s -lcsharedlib -Wl,-rpath,%s", compiler, form, path, go_directory,
          go_directory);
    expect_dump(path, form);
    expect_inert(path, "LD_PRELOAD", form);
}

Test(client, header_reaches_the_shim_from_an_executable_of_any_form, .timeout = 600)
{
    struct toolchain found[TOOLCHAINS_MAX];
    size_t count = toolchains_find(found);
    const char *go_library = app_path(&found[count - 1], "libcsharedlib.so");
    struct temp_dir dir = temp_dir_make();
    for (unsigned c = 0; c < sizeof COMPILERS / sizeof COMPILERS[0]; c++) {
        for (unsigned i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++)
            try_form(&dir, go_library, COMPILERS[c], FORMS[i]);
    }
    temp_dir_remove(&dir);
}

TOOLCHAIN_TEST(client, header_reaches_the_shim_from_a_shared_library, .timeout = 180)
{
    const char *go_library = app_path(toolchain, "libcsharedlib.so");
    struct temp_dir dir = temp_dir_make();
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/host", dir.path);
    shell("gcc -O2 -Iinclude -fPIC -shared -DLIBRARY " SOURCE " -o %s/libtalk.so -Wl,-z,defs", dir.path);
    shell("gcc -O2 -DHOST " SOURCE " -o %s %s/libtalk.so %s -Wl,-rpath,'$ORIGIN':%s", path, dir.path, go_library,
          directory_of(go_library));
    expect_dump(path, toolchain->version);
    expect_inert(path, "LD_PRELOAD", toolchain->version);
    temp_dir_remove(&dir);
}

/* The shim is loaded into programs that are not Go as well (the shell that starts one), and cannot be into static ones.
 */
Test(client, program_that_is_not_watched_finds_everything_inert, .timeout = 180)
{
    static const char *const ALONE[] = {"-O2 -pie -fPIE", "-O2 -no-pie -fno-pie", "-static", "-static-pie -fPIE"};
    struct temp_dir dir = temp_dir_make();
    char path[PATH_MAX], preload[PATH_MAX];
    snprintf(path, sizeof path, "%s/alone", dir.path);
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", shim_path());
    for (unsigned c = 0; c < sizeof COMPILERS / sizeof COMPILERS[0]; c++) {
        for (unsigned i = 0; i < sizeof ALONE / sizeof ALONE[0]; i++) {
            shell("%s %s -DALONE -Iinclude " SOURCE " -o %s", COMPILERS[c], ALONE[i], path);
            expect_inert(path, "LD_PRELOAD", ALONE[i]);
            expect_inert(path, preload, ALONE[i]);
        }
    }
    temp_dir_remove(&dir);
}

Test(client, without_the_shim_one_system_call_is_made_however_often_it_is_called, .timeout = 180)
{
    struct temp_dir dir = temp_dir_make();
    shell("gcc -O2 -DALONE -Iinclude " SOURCE " -o %s/alone", dir.path);
    cr_expect_str_eq(shell("strace -f -o %s/calls %s/alone 1000", dir.path, dir.path), INERT);
    cr_expect_str_eq(shell("grep -c '^[0-9]* *madvise(.*, 8, 0x31777067.* = -1 EINVAL' %s/calls; "
                           "grep -c madvise %s/calls",
                           dir.path, dir.path),
                     "1\n1\n", "%s", shell("cat %s/calls", dir.path));
    temp_dir_remove(&dir);
}
