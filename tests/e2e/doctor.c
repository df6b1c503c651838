/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch doctor` on this machine, on programs in every form that is built, and on processes.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"

enum { PATH_BYTES = 256, LINE_BYTES = 160 };

/* A line begins with this verdict and name, and holds this part. */
struct claim {
    const char *begin, *part;
};

static const char *find_line(const char *text, const char *begin)
{
    size_t bytes = strlen(begin);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, begin, bytes) == 0)
            return line;
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return NULL;
}

static void expect_claim(const char *text, const struct claim *claim, const char *what)
{
    const char *line = find_line(text, claim->begin);
    cr_assert_not_null(line, "%s: no line '%s' in\n%s", what, claim->begin, text);
    const char *found = strstr(line, claim->part), *end = strchr(line, '\n');
    cr_expect(found != NULL && found < end, "%s: no '%s' in %.*s", what, claim->part, (int)(end - line), line);
}

static struct program *examine(const char *thing, int code)
{
    struct program *program = gopagewatch_run((const char *[]){"doctor", thing, NULL});
    cr_assert_eq(program_await_end(program), code, "%s: %s%s", thing, program_output(program), program_errors(program));
    cr_expect_str_empty(program_errors(program));
    return program;
}

/* ---- the machine ---- */

Test(doctor, machine_that_can_run_these_tests_is_well, .timeout = 180)
{
    const struct claim claims[] = {
        {"ok   kernel      ", "Linux "},
        {"ok   pagemap     ", "pagemap"},
        {"ok   shim        ", built_path("libgopagewatch.so")},
    };
    struct program *program = examine(NULL, 0);
    for (unsigned i = 0; i < sizeof claims / sizeof claims[0]; i++)
        expect_claim(program_output(program), &claims[i], "machine");
    cr_expect_null(find_line(program_output(program), "no "), "%s", program_output(program));
    program_free(program);
}

Test(doctor, machine_looks_other_to_nobody, .timeout = 180)
{
    if (!can_be_nobody()) {
        cr_skip_test("this test cannot become nobody");
        return;
    }
    struct program *program = gopagewatch_run_as_nobody((const char *[]){"doctor", NULL});
    cr_expect_eq(program_await_end(program), 0, "%s", program_errors(program));
    expect_claim(program_output(program), &(struct claim){"warn frames", "page frames are hidden"}, "nobody");
    program_free(program);
}

/* As in most containers. */
#define WITHOUT_PTRACE "setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace "

Test(doctor, root_without_its_capability_is_told_so, .timeout = 180)
{
    if (!can_be_nobody()) {
        cr_skip_test("this test is not root");
        return;
    }
    struct temp_dir dir = temp_dir_make();
    struct program *program = gopagewatch_shell(dir.path, WITHOUT_PTRACE "$G doctor");
    expect_claim(program_output(program), &(struct claim){"warn rights", "without CAP_SYS_PTRACE"}, "capability");
    program_free(program);
    program = gopagewatch_shell(dir.path, "setpriv --reuid 65534 --clear-groups sleep 50 & " /* of another user */
                                          "until grep -q '^Uid:.65534' /proc/$!/status; do :; done; " WITHOUT_PTRACE
                                          "$G attach $!; kill $!");
    cr_expect_not_null(strstr(program_errors(program), "root without CAP_SYS_PTRACE"), "%s", program_errors(program));
    program_free(program);
}

/* ---- files ---- */

enum { CLAIMS_MAX = 4 };

static const struct {
    const char *app;
    struct claim claims[CLAIMS_MAX];
} FORMS[] = {
    {"mapdemo",
     {{"ok   preload", "dynamic, with libc (cgo)"},
      {"ok   madvise", "byte for byte"},
      {"ok   symbols", "not stripped"}}},
    {"mapdemo.internal", {{"ok   preload", "dynamic, with libc (cgo)"}, {"ok   madvise", "byte for byte"}}},
    {"mapdemo.stripped", {{"ok   symbols", "functions keep their names"}, {"ok   madvise", "byte for byte"}}},
    {"mapdemo.pie", {{"ok   preload", "dynamic, with libc (cgo)"}, {"ok   madvise", "byte for byte"}}},
    {"mapdemo.pie.stripped",
     {{"ok   symbols", "stripped"},
      {"warn variables", "'run --watch' will not work: it has no debug information (DWARF)"},
      {"ok   madvise", "byte for byte"}}},
    {"mapdemo.race", {{"ok   preload", "dynamic"}, {"warn race", "-race"}}},
    {"identity.static", {{"warn preload", "static (CGO_ENABLED=0)"}, {"warn preload", "gopagewatch attach PID"}}},
    {"identity.static-pie", {{"warn preload", "CGO_ENABLED=0"}, {"ok   functions", ".gopclntab"}}},
    {"libcsharedlib.so", {{"ok   preload", "a library"}, {"ok   madvise", "byte for byte"}}},
    {"userarenas", {{"ok   experiments", "GOEXPERIMENT=arenas"}, {"ok   heap", "can be walked"}}},
};

TOOLCHAIN_TEST(doctor, every_form_of_a_program_is_known, .timeout = 300)
{
    char built[LINE_BYTES];
    snprintf(built, sizeof built, "built by go%s", toolchain->version);
    for (unsigned i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        if (!app_exists(toolchain, FORMS[i].app))
            continue;
        struct program *program = examine(app_path(toolchain, FORMS[i].app), 0);
        const char *text = program_output(program);
        expect_claim(text, &(struct claim){"ok   go", built}, FORMS[i].app);
        expect_claim(text, &(struct claim){"ok   heap", "can be walked"}, FORMS[i].app);
        for (unsigned k = 0; k < CLAIMS_MAX && FORMS[i].claims[k].begin != NULL; k++)
            expect_claim(text, &FORMS[i].claims[k], FORMS[i].app);
        program_free(program);
    }
}

static void expect_unfit(const char *path, const char *begin, const char *part)
{
    struct program *program = examine(path, 4);
    expect_claim(program_output(program), &(struct claim){begin, part}, path);
    program_free(program);
}

/* The front of a copy, changed, makes another machine's program of it. */
static void make_foreign(const char *from, const char *to, unsigned offset, unsigned char value)
{
    char front[4096];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    must(in != NULL && out != NULL && fread(front, 1, sizeof front, in) == sizeof front, "%s", from);
    front[offset] = (char)value;
    must(fwrite(front, 1, sizeof front, out) == sizeof front, "%s", to);
    fclose(in);
    fclose(out);
}

Test(doctor, what_is_no_go_program_for_this_machine_is_said_so, .timeout = 180)
{
    struct toolchain found[TOOLCHAINS_MAX];
    toolchains_find(found);
    struct temp_dir dir = temp_dir_make();
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/foreign", dir.path);
    expect_unfit("/bin/true", "no   go", "not a Go program");
    expect_unfit(app_path(&found[0], "chost"), "no   go", "not a Go program");
    make_foreign(app_path(&found[0], "mapdemo"), path, 18, 183);
    expect_unfit(path, "no   machine", "it is for arm64");
    make_foreign(app_path(&found[0], "mapdemo"), path, 4, 1);
    expect_unfit(path, "no   machine", "knows x86_64 only");
    make_foreign(app_path(&found[0], "mapdemo"), path, 54, 1);
    expect_unfit(path, "no   machine", "damaged");
    FILE *script = fopen(path, "w");
    must(script != NULL && fputs("#!/bin/sh -e\necho\n", script) >= 0 && fclose(script) == 0, "%s", path);
    expect_unfit(path, "no   file", "it is a script, started by /bin/sh -e ->");
    must(truncate(path, 0) == 0, "%s", path);
    expect_unfit(path, "no   file", "not an ELF file");
    temp_dir_remove(&dir);
}

Test(doctor, setuid_program_gets_no_preload, .timeout = 180)
{
    struct toolchain found[TOOLCHAINS_MAX];
    toolchains_find(found);
    struct temp_dir dir = temp_dir_make();
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/setuid", dir.path);
    struct program_setup setup = {.arguments = (const char *[]){"cp", app_path(&found[0], "identity"), path, NULL}};
    struct program *copy = program_run(&setup);
    cr_assert_eq(program_await_end(copy), 0);
    program_free(copy);
    must(chmod(path, 04755) == 0, "%s", path);
    struct program *program = examine(path, 0);
    expect_claim(program_output(program), &(struct claim){"warn rights", "it is setuid: the loader ignores LD_PRELOAD"},
                 "setuid");
    program_free(program);
    temp_dir_remove(&dir);
}

/* ---- processes ---- */

static void examine_process(struct program *of, const struct claim *claims, unsigned count, const char *what)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)program_pid(of));
    struct program *program = examine(pid, 0);
    for (unsigned i = 0; i < count; i++)
        expect_claim(program_output(program), &claims[i], what);
    program_free(program);
}

static void check_watched(const struct toolchain *toolchain, const char *const *environment, const struct claim *claims,
                          unsigned count, const char *what)
{
    struct watched *watched = watch_app(toolchain, "mapdemo", environment);
    program_await_phase(watched->program, "full");
    examine_process(watched->program, claims, count, what);
    watched_end(watched);
}

TOOLCHAIN_TEST(doctor, watched_process_can_be_asked, .timeout = 300)
{
    static const struct claim WATCHED[] = {
        {"ok   go", "mapdemo"},
        {"ok   attach", "gopagewatch attach "},
        {"ok   heap", "was found"},
        {"ok   shim", "is loaded"},
        {"ok   madvise", "is patched"},
        {"ok   request", "kill -USR2 "},
        {"ok   dumps", "its dumps go to /"},
    };
    check_watched(toolchain, NULL, WATCHED, sizeof WATCHED / sizeof WATCHED[0], "watched");
    static const struct claim OTHER_SIGNAL[] = {{"ok   request", "kill -37 "}};
    check_watched(toolchain, (const char *[]){"GOPAGEWATCH_SIGNAL=RTMIN+3", NULL}, OTHER_SIGNAL, 1, "RTMIN+3");
    static const struct claim NO_SIGNAL[] = {{"ok   request", "gopagewatch dump "}};
    check_watched(toolchain, (const char *[]){"GOPAGEWATCH_SIGNAL=none", NULL}, NO_SIGNAL, 1, "none");
    static const struct claim NOWHERE[] = {{"no   dumps", "/nonexistent/, which does not work: No such file"}};
    check_watched(toolchain, (const char *[]){"GOPAGEWATCH_OUT=/nonexistent/%n.json", NULL}, NOWHERE, 1, "nowhere");
}

TOOLCHAIN_TEST(doctor, process_without_the_shim_is_attached_to, .timeout = 180)
{
    static const struct claim CLAIMS[] = {
        {"ok   attach", "gopagewatch attach "},   {"ok   heap", "was found"},
        {"warn shim", "cannot be (no libc)"},     {"warn GODEBUG", "madvdontneed=0: Go gives back with MADV_FREE"},
        {"warn limits", "started with GOGC=off"},
    };
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "heapstats.static"), NULL},
        .environment = (const char *[]){"GODEBUG=madvdontneed=0", "GOGC=off", NULL},
    };
    struct program *program = program_start(&setup);
    program_await_phase(program, "full");
    examine_process(program, CLAIMS, sizeof CLAIMS / sizeof CLAIMS[0], "static");
    program_free(program);
}

Test(doctor, process_that_is_not_go_is_said_so, .timeout = 180)
{
    char pid[16];
    struct program *program = program_start(&(struct program_setup){.arguments = (const char *[]){"cat", NULL}});
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    expect_unfit(pid, "no   go", "no Go runtime is in it");
    program_free(program);
}

static const struct {
    const char *arguments[4];
    int code;
    const char *reason;
} REFUSALS[] = {
    {{"doctor", "--what"}, 2, "option '--what' is unknown"},
    {{"doctor", "a", "b"}, 2, "not 'b' as well"},
    {{"doctor", "/nonexistent/app"}, 4, "/nonexistent/app: cannot be opened: No such file"},
    {{"doctor", "/"}, 4, "is no regular file"},
    {{"doctor", "2147483647"}, 4, "there is no such process"},
};

Test(doctor, wrong_use_and_unreadable_things_cost_one_line, .timeout = 180)
{
    for (unsigned i = 0; i < sizeof REFUSALS / sizeof REFUSALS[0]; i++)
        expect_refusal(gopagewatch_run(REFUSALS[i].arguments), REFUSALS[i].code, REFUSALS[i].reason);
    if (!can_be_nobody())
        return;
    char pid[16];
    struct program *program = program_start(&(struct program_setup){.arguments = (const char *[]){"cat", NULL}});
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    expect_refusal(gopagewatch_run_as_nobody((const char *[]){"doctor", pid, NULL}), 4,
                   "it runs as uid 0, you are uid 65534");
    program_free(program);
}
