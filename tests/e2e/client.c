/* SPDX-License-Identifier: Apache-2.0
 *
 * A Go program that talks to the shim: its phases, its dumps, its coming to rest.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/kernel_truth.h"
#include "tests/e2e/support/rest.h"
#include "tests/e2e/support/text.h"

enum { LINE_BYTES = 512, PID_BYTES = 16 };

#define MIB (1024 * 1024ull)

/* Every way of linking that Go has with cgo. */
static const char *const FORMS[] = {"client",      "client.pie",      "client.internal",
                                    "client.race", "client.stripped", "client.pie.stripped"};

/* ---- the program's side ---- */

static struct watched *watch_client(const struct toolchain *toolchain, const char *form, const char *const *environment)
{
    struct watched *watched = watch_app(toolchain, form, environment);
    program_await_line(watched->program, "ready client");
    return watched;
}

/* Gives it a command and waits until that is done. The line that begins with `answer` is returned; NULL: there is none.
 */
static const char *tell(struct program *program, const char *command, const char *answer)
{
    static char line[LINE_BYTES];
    char ready[LINE_BYTES];
    program_send(program, command);
    if (answer != NULL)
        snprintf(line, sizeof line, "%s", program_await_line(program, answer));
    snprintf(ready, sizeof ready, "ready %.*s", (int)strcspn(command, " "), command);
    program_await_line(program, ready);
    return answer == NULL ? NULL : line;
}

static json_t *next_dump(struct watched *watched)
{
    const char *path = outbox_next(&watched->outbox);
    cr_assert_not_null(path, "no dump is there");
    return dump_load(path);
}

static void expect_head(json_t *dump, const char *reason, const char *label, const char *phase)
{
    cr_expect_str_eq(dump_text(dump, "reason"), reason);
    cr_expect_str_eq(dump_text(dump, "label"), label);
    cr_expect_str_eq(dump_text(dump, "phase"), phase);
    json_decref(dump);
}

/* ---- phases and single dumps ---- */

static void try_form(const struct toolchain *toolchain, const char *form)
{
    struct watched *watched = watch_client(toolchain, form, NULL);
    struct program *program = watched->program;
    cr_expect_str_eq(tell(program, "active", "active"), "active true", "%s", form);
    expect_head(watched_dump(watched), "signal", "", "");
    tell(program, "mark load \"all\"\t\xc3\xa9", NULL);
    cr_expect_null(outbox_next(&watched->outbox), "a mark makes no dump");
    cr_expect_str_eq(tell(program, "dump index built", "dump"), "dump index built: <nil>", "%s", form);
    expect_head(next_dump(watched), "program", "index built", "load \"all\"\t\xc3\xa9");
    expect_head(watched_dump(watched), "signal", "", "load \"all\"\t\xc3\xa9");
    tell(program, "mark 123456789 123456789 123456789 123456789 123456789 123456789 123456789", NULL);
    cr_expect_str_eq(tell(program, "dump", "dump"), "dump : <nil>");
    expect_head(next_dump(watched), "program", "", "123456789 123456789 123456789 123456789 123456789 123456789 123");
    tell(program, "mark", NULL);
    expect_head(watched_dump(watched), "signal", "", "");
    watched_end(watched);
}

TOOLCHAIN_TEST(client, marks_stand_in_every_later_dump_and_dumps_come_when_asked_for, .timeout = 600)
{
    for (unsigned i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        if (app_exists(toolchain, FORMS[i]))
            try_form(toolchain, FORMS[i]);
    }
}

static void expect_inert(struct program *program, const char *how)
{
    program_await_line(program, "ready client");
    cr_expect_str_eq(tell(program, "active", "active"), "active false", "%s", how);
    tell(program, "mark nothing", NULL);
    cr_expect_str_eq(tell(program, "dump x", "dump"), "dump x: gopagewatch: no dump: this process is not watched", "%s",
                     how);
    cr_expect_str_eq(tell(program, "serve", "serve"), "serve goroutines=0", "%s", how);
    cr_expect_eq(text_number(tell(program, "fork", "fork"), "result"), 0u, "%s", how);
    program_close_input(program);
    cr_expect_eq(program_await_end(program), 0, "%s", how);
    cr_expect_str_empty(program_errors(program), "%s: %s", how, program_errors(program));
}

TOOLCHAIN_TEST(client, without_the_shim_everything_is_inert, .timeout = 300)
{
    for (unsigned i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        if (!app_exists(toolchain, FORMS[i]))
            continue;
        struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, FORMS[i]), NULL}};
        struct program *program = program_start(&setup);
        expect_inert(program, FORMS[i]);
        program_free(program);
    }
    struct watched *watched = watch_app(toolchain, "client.static", NULL);
    expect_inert(watched->program, "static");
    cr_expect_eq(outbox_count_files(&watched->outbox), 0u);
    watched_end(watched);
}

/* Nobody would answer there, and the dump would be the parent's. */
TOOLCHAIN_TEST(client, forked_child_is_answered_at_once_and_leaves_nothing, .timeout = 180)
{
    struct watched *watched = watch_client(toolchain, "client", NULL);
    tell(watched->program, "mark parent", NULL);
    tell(watched->program, "serve", "serve");
    const char *line = tell(watched->program, "fork", "fork");
    cr_expect_eq(text_number(line, "result"), 0u, "%s", line);
    cr_expect_eq(outbox_count_files(&watched->outbox), 0u);
    expect_head(watched_dump(watched), "signal", "", "parent");
    watched_end(watched);
}

/* Its descriptors are the parent's: it must not be taken for it. */
Test(client, command_refuses_a_forked_child, .timeout = 180)
{
    struct toolchain found[TOOLCHAINS_MAX];
    char pid[PID_BYTES];
    toolchains_find(found);
    struct watched *watched = watch_app(&found[0], "forker", NULL);
    const char *truth = program_await_phase(watched->program, "forked");
    snprintf(pid, sizeof pid, "%" PRIu64, text_number(truth, "child"));
    expect_refusal(gopagewatch_run((const char *[]){"dump", pid, NULL}), 4, "a forked child");
    expect_refusal(gopagewatch_run((const char *[]){"dump", pid, "--settle", "10s", NULL}), 4, "a forked child");
    cr_expect_eq(outbox_count_files(&watched->outbox), 0u);
    watched_end(watched);
}

TOOLCHAIN_TEST(client, dump_that_cannot_be_written_is_an_error, .timeout = 180)
{
    struct watched *watched =
        watch_client(toolchain, "client", (const char *[]){"GOPAGEWATCH_OUT=/proc/nowhere/%n.json", NULL});
    cr_expect_str_eq(tell(watched->program, "dump x", "dump"),
                     "dump x: gopagewatch: no dump: it could not be made, standard error says why");
    program_await_error(watched->program, "cannot create /proc/nowhere/1.json");
    watched_end(watched);
}

/* ---- many at once ---- */

enum { CALLERS = 8, CALLS = 20, REQUESTS = 12 };

struct tally {
    unsigned by_program[CALLERS][CALLS], by_request[REQUESTS];
};

static void count_dump(struct tally *tally, const char *path)
{
    unsigned caller, call;
    json_t *dump = dump_load(path);
    const char *label = dump_text(dump, "label"), *reason = dump_text(dump, "reason");
    if (sscanf(label, "x.%u.%u", &caller, &call) == 2 && caller < CALLERS && call < CALLS &&
        strcmp(reason, "program") == 0)
        tally->by_program[caller][call]++;
    else if (sscanf(label, "request %u", &call) == 1 && call < REQUESTS && strcmp(reason, "request") == 0)
        tally->by_request[call]++;
    else
        cr_expect(false, "nobody asked for this: %s \"%s\"", reason, label);
    json_decref(dump);
}

static void expect_all(const struct tally *tally, unsigned requests)
{
    for (unsigned i = 0; i < CALLERS * CALLS; i++)
        cr_expect_eq(tally->by_program[i / CALLS][i % CALLS], 1u, "x.%u.%u", i / CALLS, i % CALLS);
    for (unsigned i = 0; i < requests; i++)
        cr_expect_eq(tally->by_request[i], 1u, "request %u", i);
}

/* Of a program whose heap moves all the time. */
ENDS_TEST(client, each_of_many_callers_gets_its_own_dump, .timeout = 600)
{
    struct tally tally = {0};
    const char *path;
    struct watched *watched = watch_client(toolchain, "client", NULL);
    tell(watched->program, "churn", NULL);
    cr_expect_str_eq(tell(watched->program, "dumps x", "dumps"), "dumps failed=0");
    while ((path = outbox_next(&watched->outbox)) != NULL)
        count_dump(&tally, path);
    expect_all(&tally, 0);
    watched_end(watched);
}

static void ask(struct watched *watched, unsigned number)
{
    char pid[PID_BYTES], label[32];
    snprintf(pid, sizeof pid, "%d", (int)program_pid(watched->program));
    snprintf(label, sizeof label, "request %u", number);
    struct program *command = gopagewatch_run((const char *[]){"dump", pid, "--label", label, NULL});
    cr_expect_eq(program_await_end(command), 0, "%s", program_errors(command));
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(program_output(command), "\n"), program_output(command));
    json_t *dump = dump_load(path);
    cr_expect_str_eq(dump_text(dump, "label"), label, "the command names the file of its own request");
    json_decref(dump);
    program_free(command);
}

/* The one does not take the other's dump for its own, and nobody gets one that was not asked for. */
ENDS_TEST(client, callers_and_commands_do_not_share_a_dump, .timeout = 600)
{
    struct tally tally = {0};
    const char *path;
    struct watched *watched = watch_client(toolchain, "client", NULL);
    program_send(watched->program, "dumps x");
    for (unsigned i = 0; i < REQUESTS; i++)
        ask(watched, i);
    cr_expect_str_eq(program_await_line(watched->program, "dumps"), "dumps failed=0");
    while ((path = outbox_next(&watched->outbox)) != NULL)
        count_dump(&tally, path);
    expect_all(&tally, REQUESTS);
    watched_end(watched);
}

/* A sandbox that knows no memfd_create: there is no page then to ask by. */
static void forbid_memfd(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof code[0], code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        _exit(77);
}

TOOLCHAIN_TEST(client, without_a_page_dumps_are_made_all_the_same, .timeout = 300)
{
    struct tally tally = {0};
    char pid[PID_BYTES];
    const char *path;
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "client"), NULL},
        .before_exec = forbid_memfd,
    };
    struct watched *watched = watched_start(&setup);
    program_await_line(watched->program, "ready client");
    snprintf(pid, sizeof pid, "%d", (int)program_pid(watched->program));
    expect_refusal(gopagewatch_run((const char *[]){"dump", pid, NULL}), 4, "watches nothing there");
    tell(watched->program, "serve", "serve");
    cr_expect_str_eq(tell(watched->program, "dumps x", "dumps"), "dumps failed=0");
    while ((path = outbox_next(&watched->outbox)) != NULL)
        count_dump(&tally, path);
    expect_all(&tally, 0);
    watched_end(watched);
}

/* ---- coming to rest ---- */

enum { GARBAGE_MEBIBYTES = 200 };

/* Asks for a dump after the program has come to rest; what the command said on standard error must hold `said`. */
static json_t *dump_settled(struct watched *watched, const char *longest, const char *said)
{
    char pid[PID_BYTES];
    snprintf(pid, sizeof pid, "%d", (int)program_pid(watched->program));
    struct program *command = gopagewatch_run((const char *[]){"dump", pid, "--settle", longest, NULL});
    cr_expect_eq(program_await_end(command), 0, "%s", program_errors(command));
    cr_expect_not_null(strstr(program_errors(command), said), "'%s' is not in %s", said, program_errors(command));
    program_free(command);
    return dump_load(outbox_await(&watched->outbox, watched->program));
}

static uint64_t dump_go_resident(const json_t *dump)
{
    return dump_class_resident(dump, "go.objects") + dump_class_resident(dump, "go.unused") +
           dump_class_resident(dump, "go.free");
}

/* What Go has in use and keeps is what is resident of it: the rest has gone back. */
TOOLCHAIN_TEST(client, program_that_listens_gives_back_what_it_can, .timeout = 300)
{
    enum { SMALL_BYTES = 2 << 20, ROUNDS = 3 };
    struct watched *watched = watch_client(toolchain, "client", NULL);
    cr_expect_str_eq(tell(watched->program, "serve", "serve"), "serve goroutines=1", "three calls, one goroutine");
    for (int round = 0; round < ROUNDS; round++) {
        char fill[32];
        snprintf(fill, sizeof fill, "fill %d", GARBAGE_MEBIBYTES);
        tell(watched->program, fill, NULL);
        cr_expect_gt(smaps_sum(program_pid(watched->program), NULL).rss_bytes, GARBAGE_MEBIBYTES * MIB / 2);
        json_t *dump = dump_settled(watched, "30s", ": the program has given back what it can\n");
        const char *truth = tell(watched->program, "truth", "truth");
        uint64_t kept = text_number(truth, "objects") + text_number(truth, "unused") + text_number(truth, "free");
        uint64_t resident = dump_go_resident(dump);
        cr_expect_lt(text_number(truth, "free") + text_number(truth, "unused"), 2ull * SMALL_BYTES, "%s", truth);
        cr_expect_lt(resident > kept ? resident - kept : kept - resident, (uint64_t)SMALL_BYTES,
                     "%" PRIu64 " resident; %s", resident, truth);
        cr_expect_lt(dump_class_resident(dump, "go.released"), (uint64_t)SMALL_BYTES);
        cr_expect_lt(dump_number(dump, "rss/total"), 40 * MIB);
        json_decref(dump);
    }
    watched_end(watched);
}

/* Its memory is flat, and stays what it is. */
ENDS_TEST(client, program_that_does_not_listen_is_watched_until_it_is_flat, .timeout = 300)
{
    struct watched *watched = watch_app(toolchain, "heapstats", NULL);
    program_await_phase(watched->program, "full");
    uint64_t before_bytes = smaps_sum(program_pid(watched->program), NULL).rss_bytes;
    json_t *dump = dump_settled(watched, "20s", ": its resident memory is flat\n");
    cr_expect_geq(dump_number(dump, "rss/total"), before_bytes - before_bytes / 20);
    json_decref(dump);
    watched_end(watched);
}

/* Stopped, so that it cannot be done: the dump is asked for all the same, and does not come either. */
Test(client, program_that_does_not_come_to_rest_is_dumped_all_the_same, .timeout = 300)
{
    struct toolchain found[TOOLCHAINS_MAX];
    char pid[PID_BYTES];
    toolchains_find(found);
    struct watched *watched = watch_client(&found[0], "client", NULL);
    tell(watched->program, "serve", "serve");
    /* It listens for sure once it has served. */
    json_decref(dump_settled(watched, "30s", ": "));
    snprintf(pid, sizeof pid, "%d", (int)program_pid(watched->program));
    program_signal(watched->program, SIGSTOP);
    struct program *command =
        gopagewatch_run((const char *[]){"dump", pid, "--settle", "300ms", "--timeout", "200ms", NULL});
    cr_expect_eq(program_await_end(command), 4, "%s", program_errors(command));
    cr_expect_not_null(strstr(program_errors(command), "not at rest after "), "%s", program_errors(command));
    cr_expect_not_null(strstr(program_errors(command), "the dump is made all the same"), "%s", program_errors(command));
    cr_expect_not_null(strstr(program_errors(command), "no dump came within the time"), "%s", program_errors(command));
    program_free(command);
    program_signal(watched->program, SIGCONT);
    watched_end(watched);
    expect_refusal(gopagewatch_run((const char *[]){"dump", "1073741824", "--settle", "1s", NULL}), 4,
                   "no such process");
}

/* Busy never rests, and offers no rest. */
TOOLCHAIN_TEST(client, busy_program_is_dumped_when_the_time_is_over, .timeout = 300)
{
    struct watched *watched = watch_app(toolchain, "busy", NULL);
    program_await_phase(watched->program, "busy");
    json_decref(dump_settled(watched, "500ms", "not at rest after "));
    watched_end(watched);
}
