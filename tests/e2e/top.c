/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch top` on a terminal, beside real programs.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/deadline.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/kernel_truth.h"
#include "tests/e2e/support/screen.h"
#include "tests/e2e/support/text.h"

enum { COLUMNS = 200, ROWS = 40 };

static const char READY[] = "q quit  d dump";

static const char *decimal(char text[32], long number)
{
    snprintf(text, 32, "%ld", number);
    return text;
}

static struct screen *start_top(const struct program *target, const char *const *environment, const char *directory)
{
    char pid[32];
    struct program_setup setup = {
        .arguments = (const char *[]){built_path("gopagewatch"), "top", "--interval", "100ms",
                                      decimal(pid, program_pid(target)), NULL},
        .environment = environment == NULL ? (const char *[]){"TERM=vt100", NULL} : environment,
        .directory = directory,
    };
    struct screen *screen = screen_start(&setup, COLUMNS, ROWS);
    screen_await(screen, READY);
    return screen;
}

static struct program *start_app(const struct toolchain *toolchain, const char *app)
{
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, app), NULL}};
    return program_start(&setup);
}

/* "58.0 MiB" behind the name, in bytes; 0: it is not on the screen. */
static double shown_bytes(const char *screen, const char *name)
{
    static const char UNITS[] = "BKMGT";
    double number;
    char unit;
    const char *found = strstr(screen, name);
    if (found == NULL || sscanf(found + strlen(name), " %lf %c", &number, &unit) != 2 || strchr(UNITS, unit) == NULL)
        return 0;
    return ldexp(number, 10 * (int)(strchr(UNITS, unit) - UNITS));
}

static bool is_near(double a, double b)
{
    return fabs(a - b) <= b * 0.005;
}

/* The program rests, so one of the next looks must show what the kernel says. */
static void await_truth(struct screen *screen, pid_t pid)
{
    struct deadline deadline = deadline_usual();
    for (;;) {
        const char *text = screen_text(screen);
        double truth = (double)smaps_sum(pid, NULL).rss_bytes;
        if (is_near(shown_bytes(text, "\nRSS"), truth) && is_near(shown_bytes(text, "\ntotal"), truth))
            return;
        if (deadline_left_ms(deadline) == 0)
            fail("smaps says %.0f bytes, and the screen:\n%s", truth, text);
        screen_await_output(screen);
    }
}

static void expect_quit(struct screen *screen)
{
    screen_press(screen, "q");
    cr_expect_eq(program_await_end(screen_program(screen)), 0);
    cr_expect(screen_is_put_right(screen));
}

TOOLCHAIN_TEST(top, shows_what_smaps_says_from_phase_to_phase, .timeout = 600)
{
    struct program *app = start_app(toolchain, "mapdemo");
    program_await_phase(app, "full");
    struct screen *screen = start_top(app, NULL, NULL);
    char who[64];
    snprintf(who, sizeof who, "mapdemo (pid %d), go%s", (int)program_pid(app), toolchain->version);
    screen_await(screen, who);
    await_truth(screen, program_pid(app));
    double objects = shown_bytes(screen_text(screen), "\ngo.objects");
    cr_expect_gt(objects, 40e6, "%s", screen_text(screen));

    program_go_on(app);
    program_await_phase(app, "dropped");
    await_truth(screen, program_pid(app));
    program_go_on(app);
    program_await_phase(app, "returned");
    await_truth(screen, program_pid(app));
    cr_expect_lt(shown_bytes(screen_text(screen), "\ngo.objects"), objects / 10, "%s", screen_text(screen));
    cr_expect_gt(shown_bytes(screen_text(screen), "\ngiven back by Go"), 40e6, "%s", screen_text(screen));
    expect_quit(screen);
    screen_free(screen);
    program_free(app);
}

Test(top, keeps_the_last_picture_when_the_process_ends, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    struct program *app = start_app(&toolchain, "mapdemo");
    program_await_phase(app, "full");
    struct screen *screen = start_top(app, NULL, NULL);
    program_signal(app, SIGKILL);
    program_await_end(app);
    const char *text = screen_await(screen, "the process has ended; this is the last picture.");
    cr_expect(strstr(text, "\ngo.objects ") != NULL, "%s", text);
    screen_press(screen, "?");
    screen_await(screen, "go.metadata ");
    expect_quit(screen);
    screen_free(screen);
    program_free(app);
}

Test(top, shim_makes_the_dump_where_it_is_loaded, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    struct watched *watched = watch_app(&toolchain, "mapdemo", NULL);
    program_await_phase(watched->program, "full");
    struct screen *screen = start_top(watched->program, NULL, watched->dir.path);
    screen_await(screen, "shim loaded");
    for (unsigned number = 1; number <= 2; number++) {
        char expected[256];
        screen_press(screen, "d");
        const char *path = outbox_await(&watched->outbox, watched->program);
        snprintf(expected, sizeof expected, "dump by the shim: %s", path);
        screen_await(screen, expected);
        json_t *dump = dump_load(path);
        cr_expect_str_eq(dump_text(dump, "reason"), "request");
        cr_expect_eq(dump_number(dump, "process/pid"), (uint64_t)program_pid(watched->program));
        cr_expect_eq(dump_number(dump, "seq"), number);
        json_decref(dump);
    }
    expect_quit(screen);
    cr_expect_eq(outbox_count_files(&watched->outbox), 2u);
    screen_free(screen);
    watched_end(watched);
}

/* A relative pattern, a signal of its own choice, and a name with letters that mean something to fnmatch. */
Test(top, shim_is_asked_as_it_was_told, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    struct temp_dir dir = temp_dir_make();
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(&toolchain, "mapdemo"), NULL},
        .environment = (const char *[]){"GOPAGEWATCH_OUT=[a]*%%.%e.%p.%n.%t", "GOPAGEWATCH_SIGNAL=RTMIN+3", NULL},
        .directory = dir.path,
    };
    struct watched *watched = watched_start(&setup);
    struct outbox outbox;
    outbox_open(&outbox, dir.path);
    program_await_phase(watched->program, "full");
    struct screen *screen = start_top(watched->program, NULL, NULL);
    screen_press(screen, "d");
    char expected[256];
    snprintf(expected, sizeof expected, "dump by the shim: %s", outbox_await(&outbox, watched->program));
    screen_await(screen, expected);
    expect_quit(screen);
    screen_free(screen);
    watched_end(watched);
}

static void enter_container(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/mnt", "tmpfs", 0, NULL) != 0)
        _exit(77);
}

/* Its dumps go to a file system that is mounted for it alone. */
Test(top, shim_in_a_container_is_asked, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(&toolchain, "mapdemo"), NULL},
        .environment = (const char *[]){"GOPAGEWATCH_OUT=/mnt/%p.%n.json", NULL},
        .before_exec = enter_container,
    };
    pid_t trial = fork();
    if (trial == 0) {
        enter_container();
        _exit(0);
    }
    int status = 0;
    waitpid(trial, &status, 0);
    if (status != 0)
        cr_skip_test("mounting is not permitted here");
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "full");
    struct screen *screen = start_top(watched->program, NULL, NULL);
    int pid = (int)program_pid(watched->program);
    char expected[128], path[96];
    screen_press(screen, "d");
    snprintf(path, sizeof path, "/proc/%d/root/mnt/%d.1.json", pid, pid);
    snprintf(expected, sizeof expected, "dump by the shim: %s", path);
    screen_await(screen, expected);
    json_decref(dump_load(path));
    expect_quit(screen);
    screen_free(screen);
    watched_end(watched);
}

static void expect_attached(const char *directory, pid_t pid, unsigned number)
{
    char path[256];
    snprintf(path, sizeof path, "%s/gopagewatch.%d.attach.%u.json", directory, (int)pid, number);
    json_t *dump = dump_load(path);
    cr_expect_str_eq(dump_text(dump, "reason"), "attach");
    cr_expect_eq(dump_number(dump, "process/pid"), (uint64_t)pid);
    json_decref(dump);
}

Test(top, dump_is_made_from_outside_where_there_is_no_shim, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    struct temp_dir dir = temp_dir_make();
    struct program *app = start_app(&toolchain, "mapdemo");
    program_await_phase(app, "full");
    struct screen *screen = start_top(app, NULL, dir.path);
    for (unsigned number = 1; number <= 2; number++) {
        char expected[128];
        snprintf(expected, sizeof expected, "dump from outside: gopagewatch.%d.attach.%u.json", (int)program_pid(app),
                 number);
        screen_press(screen, "d");
        screen_await(screen, expected);
        expect_attached(dir.path, program_pid(app), number);
    }
    expect_quit(screen);
    screen_free(screen);
    program_free(app);
}

/* The shim is asked without a signal. */
Test(top, shim_that_takes_no_signal_is_asked_all_the_same, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    struct watched *watched = watch_app(&toolchain, "mapdemo", (const char *[]){"GOPAGEWATCH_SIGNAL=none", NULL});
    program_await_phase(watched->program, "full");
    struct screen *screen = start_top(watched->program, NULL, watched->dir.path);
    screen_press(screen, "d");
    screen_await(screen, "dump by the shim: ");
    cr_expect_not_null(outbox_next(&watched->outbox));
    cr_expect_not(program_has_ended(watched->program));
    expect_quit(screen);
    screen_free(screen);
    watched_end(watched);
}

/* After a change of size the screen may hold for a moment what was written for the old one. */
static void await_first_and_last_line(struct screen *screen, const char *first, const char *last)
{
    struct deadline deadline = deadline_usual();
    for (;;) {
        const char *text = screen_text(screen);
        size_t length = strlen(text), last_length = strlen(last);
        if (strncmp(text, first, strlen(first)) == 0 && length >= last_length &&
            strcmp(text + length - last_length, last) == 0)
            return;
        if (deadline_left_ms(deadline) == 0)
            fail("the screen does not begin with \"%s\" and end with \"%s\":\n%s", first, last, text);
        screen_await_output(screen);
    }
}

static const char *const TERMINALS[] = {"TERM=vt100", "TERM=xterm-256color", "TERM=linux", "TERM=ansi"};

Test(top, follows_the_terminal, .timeout = 600)
{
    struct toolchain toolchain = toolchain_oldest();
    struct program *app = start_app(&toolchain, "mapdemo");
    program_await_phase(app, "full");
    for (unsigned i = 0; i < sizeof TERMINALS / sizeof TERMINALS[0]; i++) {
        struct screen *screen =
            start_top(app, (const char *[]){TERMINALS[i], i % 2 == 0 ? "NO_COLOR=1" : "NO_COLOR", NULL}, NULL);
        /* As wide as its last line: letters stand in the last column, and in the corner. */
        screen_resize(screen, 30, 8);
        await_first_and_last_line(screen, "mapdemo (pid ", "\nq quit  d dump  s sort  ? help\n");
        screen_resize(screen, 3, 1);
        await_first_and_last_line(screen, "map\n", "map\n");
        screen_resize(screen, 100, 45);
        screen_press(screen, "s");
        screen_await(screen, "by change");
        const char *text = screen_await(screen, "\ntotal ");
        cr_expect_eq(strstr(text, "######") != NULL, i % 2 == 0, "%s: %s", TERMINALS[i], text);
        expect_quit(screen);
        screen_free(screen);
    }
    program_free(app);
}

static uint64_t cpu_ns(pid_t pid)
{
    char path[64];
    uint64_t ns = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
    struct text text = text_of_file(path);
    must(sscanf(text_string(&text), "%" SCNu64, &ns) == 1, "%s", path);
    text_free(&text);
    return ns;
}

static unsigned count_descriptors(pid_t pid)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    must(directory != NULL, "%s", path);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* 512 MiB of small objects are a dear look; asked for ten a second. */
Test(top, uses_a_tenth_of_a_cpu_and_gives_its_memory_back, .timeout = 600)
{
    enum { SECONDS = 6, OUTPUTS = 6 };
    struct toolchain toolchain = toolchain_oldest();
    struct program_setup setup = {.arguments =
                                      (const char *[]){app_path(&toolchain, "bigheap"), "-small", "512", NULL}};
    struct program *app = program_start(&setup);
    program_await_line(app, "ready");
    struct screen *screen = start_top(app, NULL, NULL);
    screen_await(screen, ", not 100 ms: a look takes ");
    pid_t top = program_pid(screen_program(screen));
    unsigned descriptors = count_descriptors(top);
    screen_await_output(screen); /* from right behind a look, over several */
    uint64_t begin_ns = cpu_ns(top);
    double begin = now_seconds();
    for (unsigned outputs = 0; outputs < OUTPUTS || now_seconds() - begin < SECONDS; outputs++)
        screen_await_output(screen);
    double part = (double)(cpu_ns(top) - begin_ns) * 1e-9 / (now_seconds() - begin);
    cr_expect_lt(part, 0.13, "%.1f %% of a CPU", part * 100);
    cr_expect_gt(part, 0.01, "%.1f %% of a CPU: are there looks?", part * 100);
    cr_expect_eq(count_descriptors(top), descriptors);
    cr_expect_lt(status_bytes(top, "VmRSS"), 32u << 20);
    expect_quit(screen);
    screen_free(screen);
    program_free(app);
}

Test(top, signals_end_it_with_the_terminal_put_right, .timeout = 300)
{
    static const struct {
        int signal, status;
    } CASES[] = {{SIGINT, 0}, {SIGTERM, -SIGTERM}, {SIGHUP, -SIGHUP}};
    struct toolchain toolchain = toolchain_oldest();
    struct program *app = start_app(&toolchain, "mapdemo");
    program_await_phase(app, "full");
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct screen *screen = start_top(app, NULL, NULL);
        cr_assert_not(screen_is_put_right(screen));
        program_signal(screen_program(screen), CASES[i].signal);
        cr_expect_eq(program_await_end(screen_program(screen)), CASES[i].status, "signal %d", CASES[i].signal);
        cr_expect(screen_is_put_right(screen), "signal %d", CASES[i].signal);
        screen_free(screen);
    }
    program_free(app);
}

static void expect_refusal(const char *const *arguments, int status, const char *expected)
{
    struct program_setup setup = {.arguments = arguments};
    struct program *program = program_run(&setup);
    cr_expect_eq(program_await_end(program), status, "%s", expected);
    const char *errors = program_errors(program), *line_end = strchr(errors, '\n');
    cr_expect(strstr(errors, expected) != NULL, "no \"%s\" in: %s", expected, errors);
    cr_expect(line_end != NULL && line_end[1] == '\0', "%s", errors);
    program_free(program);
}

Test(top, refuses_what_it_cannot_do, .timeout = 300)
{
    const char *top = built_path("gopagewatch");
    char own[32];
    struct toolchain toolchain = toolchain_oldest();
    struct program *app = start_app(&toolchain, "mapdemo");
    program_await_phase(app, "full");
    expect_refusal((const char *[]){top, "top", NULL}, 2, "no process was named");
    expect_refusal((const char *[]){top, "top", "x", NULL}, 2, "'x' is no process id");
    expect_refusal((const char *[]){top, "top", "1", "2", NULL}, 2, "one process at a time, not '2' as well");
    expect_refusal((const char *[]){top, "top", "--interval", "1ms", "1", NULL}, 2, "'1ms' is no interval");
    expect_refusal((const char *[]){top, "top", "--interval", "2h", "1", NULL}, 2, "'2h' is no interval");
    expect_refusal((const char *[]){top, "top", "--wide", "1", NULL}, 2, "option '--wide' is unknown");
    expect_refusal((const char *[]){top, "top", "2147483646", NULL}, 4, "there is no such process");
    expect_refusal((const char *[]){top, "top", decimal(own, getpid()), NULL}, 4, "is not a Go process");
    expect_refusal((const char *[]){top, "top", decimal(own, program_pid(app)), NULL}, 2, "needs a terminal");
    program_free(app);
}
