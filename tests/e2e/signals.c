/* SPDX-License-Identifier: Apache-2.0
 *
 * One signal for two: each SIGUSR2 gives a dump and does for the program what it would do without the shim.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/kernel_truth.h"
#include "tests/e2e/support/text.h"

/* What a command does, and who receives the next signal. */
static const struct {
    const char *command;
    int go, c;
} STEPS[] = {
    {"notify", 1, 0},   {"stop", 0, 0},     {"notify", 1, 0},    {"ignore", 0, 0},      {"notify", 1, 0},
    {"reset", 0, 0},    {"notify", 1, 0},   {"stop", 0, 0},      {"c-sigaction", 0, 1}, {"c-signal", 0, 1},
    {"c-ignore", 0, 0}, {"c-signal", 0, 1}, {"c-default", 0, 0}, {"c-sigaction", 0, 1}, {"c-restore", 0, 0},
    {"notify", 1, 0},   {"c-vfork", 1, 0},
};

static void tell(struct watched *watched, const char *command)
{
    char ready[64];
    snprintf(ready, sizeof ready, "ready %s", command);
    program_send(watched->program, command);
    program_await_line(watched->program, ready);
}

/* Waits until as many signals have arrived, then makes sure that no more have. */
static void expect_count(struct watched *watched, int go, int c, const char *after)
{
    char command[64];
    snprintf(command, sizeof command, "await go=%d c=%d", go, c);
    program_send(watched->program, command);
    program_await_line(watched->program, "ready await");
    program_send(watched->program, "count");
    const char *line = program_await_line(watched->program, "count ");
    cr_expect_eq(text_number(line, "go"), (uint64_t)go, "after %s: %s", after, line);
    cr_expect_eq(text_number(line, "c"), (uint64_t)c, "after %s: %s", after, line);
    cr_expect_eq(text_number(line, "bad"), 0u, "after %s: %s", after, line);
    program_await_line(watched->program, "ready count");
}

TOOLCHAIN_TEST(signals, program_keeps_its_use_of_the_signal, .timeout = 300)
{
    struct watched *watched = watch_app(toolchain, "signals", NULL);
    program_await_phase(watched->program, "signals");
    int go = 0, c = 0;
    json_decref(watched_dump(watched)); /* before the program has touched the signal it is only ours */
    for (unsigned i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        tell(watched, STEPS[i].command);
        json_decref(watched_dump(watched));
        go += STEPS[i].go;
        c += STEPS[i].c;
        expect_count(watched, go, c, STEPS[i].command);
    }
    program_send(watched->program, "quit");
    cr_expect_eq(program_await_end(watched->program), 0);
    watched_end(watched);
}

/* sigaction(2) tells the program about its own handlers and never about ours. */
TOOLCHAIN_TEST(signals, program_sees_its_own_handlers, .timeout = 300)
{
    static const char *const CASES[][2] = {{"c-sigaction", "info"},
                                           {"c-signal", "plain"},
                                           {"c-ignore", "ignore"},
                                           {"c-default", "default"},
                                           {"c-restore", "other"}};
    struct watched *watched = watch_app(toolchain, "signals", NULL);
    program_await_phase(watched->program, "signals");
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char expected[64];
        tell(watched, CASES[i][0]);
        program_send(watched->program, "c-query");
        const char *line = program_await_line(watched->program, "query ");
        snprintf(expected, sizeof expected, "handler=%s ", CASES[i][1]);
        cr_expect(strstr(line, expected) != NULL, "after %s: %s", CASES[i][0], line);
        program_await_line(watched->program, "ready c-query");
    }
    watched_end(watched);
}

/* Where the kernel would run it: another stack may be too small for a handler that does not know of it. */
TOOLCHAIN_TEST(signals, handler_without_an_alternate_stack_is_not_put_on_one, .timeout = 180)
{
    struct watched *watched = watch_app(toolchain, "signals", NULL);
    program_await_phase(watched->program, "signals");
    program_send(watched->program, "c-stack");
    cr_expect_str_eq(program_await_line(watched->program, "stack "), "stack own");
    program_await_line(watched->program, "ready c-stack");
    watched_end(watched);
}

static uint64_t now_unix_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A storm gives a dump that begins after its last signal, dumps never overlap, and nothing is lost without a count. */
TOOLCHAIN_TEST(signals, burst_is_followed_by_a_dump, .timeout = 300)
{
    enum { SIGNALS = 2000 };
    struct watched *watched = watch_app(toolchain, "signals", NULL);
    program_await_phase(watched->program, "signals");
    uint64_t last_ns = 0;
    for (int i = 0; i < SIGNALS; i++) {
        last_ns = now_unix_ns();
        program_signal(watched->program, SIGUSR2);
    }
    uint64_t dumps = 0, began_ns = 0, ended_ns = 0;
    while (began_ns < last_ns) {
        json_t *dump = dump_load(outbox_await(&watched->outbox, watched->program));
        uint64_t read_ns = dump_number(dump, "time/unix_ns");
        began_ns = read_ns - dump_number(dump, "time/took_ns");
        cr_expect_geq(began_ns, ended_ns, "a dump began before the one before it was read");
        ended_ns = read_ns;
        dumps++;
        cr_expect_eq(dump_number(dump, "seq"), dumps);
        uint64_t asked = dump_number(dump, "books/shim/counters/asked");
        uint64_t coalesced = dump_number(dump, "books/shim/counters/signals_coalesced");
        cr_expect_eq(asked, dumps + coalesced, "what is asked for are dumps or counted as coalesced");
        json_decref(dump);
    }
    cr_expect_lt(dumps, (uint64_t)SIGNALS);
    watched_end(watched);
}

TOOLCHAIN_TEST(signals, another_signal_can_be_chosen, .timeout = 180)
{
    enum { RTMIN_PLUS_3 = 37 };
    struct watched *watched = watch_app(toolchain, "signals", (const char *[]){"GOPAGEWATCH_SIGNAL=RTMIN+3", NULL});
    program_await_phase(watched->program, "signals");
    tell(watched, "notify");
    program_signal(watched->program, SIGUSR2);
    expect_count(watched, 1, 0, "SIGUSR2 of the program alone");
    cr_expect_null(outbox_next(&watched->outbox), "SIGUSR2 is not ours");
    program_signal(watched->program, RTMIN_PLUS_3);
    json_decref(dump_load(outbox_await(&watched->outbox, watched->program)));
    expect_count(watched, 1, 0, "our signal");
    watched_end(watched);
}

TOOLCHAIN_TEST(signals, none_leaves_the_program_alone, .timeout = 180)
{
    struct watched *watched = watch_app(toolchain, "signals", (const char *[]){"GOPAGEWATCH_SIGNAL=none", NULL});
    program_await_phase(watched->program, "signals");
    tell(watched, "c-default");
    program_signal(watched->program, SIGUSR2);
    cr_expect_eq(program_await_end(watched->program), -SIGUSR2, "the default of SIGUSR2 is to end the program");
    watched_end(watched);
}
