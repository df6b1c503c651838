/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's counters against two others who count the same calls: the Go runtime itself (scavtrace) and strace.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/scavtrace.h"
#include "tests/e2e/support/text.h"

/* Without collections of its own accord (GOGC=off) every byte that is given back is in a line before the phase ends. */
TOOLCHAIN_TEST(counts, released_bytes_are_those_of_scavtrace, .timeout = 300)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "freeloop"), "-n", "40", "-wait", NULL},
        .environment = (const char *[]){"GODEBUG=scavtrace=1", "GOGC=off", NULL},
    };
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "done");
    json_t *dump = watched_dump(watched);
    struct scavtrace truth = scavtrace_sum(program_errors(watched->program));
    struct dump_advice counted = dump_advice(dump, "go", "DONTNEED");
    cr_expect_geq(truth.forced_lines, 40u);
    cr_expect_gt(truth.released_bytes, 0u);
    cr_expect_eq(counted.bytes, truth.released_bytes, "go%s: counted %" PRIu64 ", scavtrace says %" PRIu64,
                 toolchain->version, counted.bytes, truth.released_bytes);
    cr_expect_eq(counted.errors, 0u);
    cr_expect_eq(dump_number(dump, "books/shim/counters/advice_unrecorded"), 0u);
    json_decref(dump);
    watched_end(watched);
}

static pid_t child_of(pid_t parent)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    struct text children = text_of_file(path);
    long child = strtol(text_string(&children), NULL, 10);
    text_free(&children);
    if (child <= 0)
        fail("strace (pid %d) has no child", (int)parent);
    return (pid_t)child;
}

struct traced {
    uint64_t calls, bytes;
};

/* Lines "madvise(0xc000100000, 8192, MADV_DONTNEED) = 0" whose range lies in an arena of the dump: libc gives the
 * stacks of ended threads back by the same advice. */
static struct traced count_traced(const char *text, const json_t *dump)
{
    struct traced traced = {0, 0};
    const json_t *arenas = dump_at(dump, "go/arenas");
    for (const char *at = strstr(text, "madvise("); at != NULL; at = strstr(at + 1, "madvise(")) {
        uint64_t start, bytes;
        char advice[32];
        if (sscanf(at, "madvise(%" SCNx64 ", %" SCNu64 ", %31[A-Z_])", &start, &bytes, advice) != 3 ||
            strcmp(advice, "MADV_DONTNEED") != 0)
            continue;
        for (size_t i = 0; i < json_array_size(arenas); i++) {
            uint64_t arena = strtoull(json_string_value(json_object_get(json_array_get(arenas, i), "start")), NULL, 16);
            if (start >= arena && start < arena + (64u << 20)) {
                traced.calls++;
                traced.bytes += bytes;
            }
        }
    }
    return traced;
}

TOOLCHAIN_TEST(counts, calls_are_those_of_strace, .timeout = 300)
{
    struct temp_dir dir = temp_dir_make(), trace_dir = temp_dir_make(); /* all that comes into the one is a dump */
    struct outbox outbox;
    char trace[256], preload[4200], out[256];
    outbox_open(&outbox, dir.path);
    snprintf(trace, sizeof trace, "%s/trace", trace_dir.path);
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", shim_path());
    snprintf(out, sizeof out, "GOPAGEWATCH_OUT=%s/%%n.json", dir.path);
    struct program_setup setup = {
        .arguments =
            (const char *[]){"strace", "-f", "-q", "-e", "trace=madvise", "-e", "signal=none", "-o", trace, "-E",
                             preload, "-E", out, app_path(toolchain, "freeloop"), "-n", "10", "-wait", NULL},
        .environment = (const char *[]){"GOGC=off", NULL},
    };
    struct program *program = program_start(&setup);
    program_await_phase(program, "done");
    must(kill(child_of(program_pid(program)), SIGUSR2) == 0, "the traced program");
    json_t *dump = dump_load(outbox_await(&outbox, program));
    program_go_on(program);
    cr_expect_eq(program_await_end(program), 0);

    struct text text = text_of_file(trace);
    struct traced traced = count_traced(text_string(&text), dump);
    struct dump_advice counted = dump_advice(dump, "go", "DONTNEED");
    cr_expect_gt(traced.calls, 10u);
    cr_expect_eq(counted.calls, traced.calls, "go%s: counted %" PRIu64 " calls, strace %" PRIu64, toolchain->version,
                 counted.calls, traced.calls);
    cr_expect_eq(counted.bytes, traced.bytes);
    text_free(&text);
    json_decref(dump);
    program_free(program);
    outbox_close(&outbox);
}
