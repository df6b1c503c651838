/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch map` beside writers that never rest (tests/apps/maps writers): four goroutines fill, empty and replace
 * four maps, which grow from nothing again and again, while the collector runs.
 */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/e2e/map_answers.h"
#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"

enum { RUNS_MANY = 60, RUNS_SOME = 15, RUNS_IDLE = 15, SLOTS_OF_BUCKET = 8 };

static const char *const VARIABLES[] = {"main.WStringString", "main.WInt64Pointer", "main.WArrayBytes",
                                        "main.WStringAny"};

enum { VARIABLES_COUNT = sizeof VARIABLES / sizeof VARIABLES[0] };

/* Most at the ends and where the design changed. */
static unsigned runs_for(const struct toolchain *toolchain)
{
    struct toolchain found[TOOLCHAINS_MAX];
    size_t count = toolchains_find(found);
    unsigned minor = toolchain_minor(toolchain);
    bool is_end = minor == toolchain_minor(&found[0]) || minor == toolchain_minor(&found[count - 1]);
    return count > 1 && (is_end || minor == 23 || minor == 24) ? RUNS_MANY : RUNS_SOME;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

struct seen {
    unsigned runs;
    double seconds[RUNS_MANY];
    uint64_t torn_reads, attempts_most, entries_most;
    unsigned unknown; /* answers that say why nothing is known */
    unsigned growing, changing;
};

static void look_at(struct seen *seen, const json_t *answers)
{
    cr_expect_eq(json_array_size(dump_at(answers, "maps")), 1u);
    const json_t *answer = json_array_get(dump_at(answers, "maps"), 0);
    const char *name = dump_text(answer, "name");
    if (!map_answer_is_known(answer)) {
        seen->unknown++;
        return;
    }
    uint64_t entries = map_answer_number(answer, "entries"), capacity = map_answer_number(answer, "capacity");
    uint64_t overflow = map_answer_number(answer, "overflow_buckets"), old = map_answer_number(answer, "old_buckets");
    /* Entries of a growing map may be in its old buckets still. */
    cr_expect_leq(entries, capacity + (overflow + old) * SLOTS_OF_BUCKET,
                  "%s: %" PRIu64 " entries in %" PRIu64 " slots, %" PRIu64 " overflow buckets, %" PRIu64 " old ones",
                  name, entries, capacity, overflow, old);
    cr_expect_leq(map_answer_number(answer, "evacuated_buckets"), old, "%s", name);
    struct map_answer_part total = map_answer_part(answer, TRUTH_PARTS);
    cr_expect_leq(total.allocated_bytes, total.spans_bytes, "%s", name);
    cr_expect_leq(total.resident_bytes, total.go_pages * 8192, "%s", name);
    seen->torn_reads += map_answer_number(answer, "torn_reads");
    uint64_t attempts = map_answer_number(answer, "attempts");
    seen->attempts_most = attempts > seen->attempts_most ? attempts : seen->attempts_most;
    seen->entries_most = entries > seen->entries_most ? entries : seen->entries_most;
    seen->growing += old > 0;
    seen->changing += entries != map_answer_number(answer, "count") || attempts > 1;
}

static void run_many(struct seen *seen, struct program *program, unsigned runs)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    for (unsigned i = 0; i < runs; i++) {
        double begin = now_seconds();
        json_t *answers = map_answers_run((const char *[]){VARIABLES[i % VARIABLES_COUNT], pid, NULL});
        seen->seconds[seen->runs++] = now_seconds() - begin;
        look_at(seen, answers);
        json_decref(answers);
        if (program_has_ended(program))
            fail("the program has ended: %s", program_errors(program));
    }
    qsort(seen->seconds, seen->runs, sizeof seen->seconds[0], compare);
}

TOOLCHAIN_TEST(maps_load, writers_at_full_speed_never_keep_an_answer_from_its_end, .timeout = 600)
{
    static struct seen busy, idle;
    struct program *program = program_start(
        &(struct program_setup){.arguments = (const char *[]){app_path(toolchain, "maps"), ".", "writers", NULL}});
    program_await_phase(program, "writers");
    run_many(&busy, program, runs_for(toolchain));
    /* The same maps, at a moment of rest. */
    program_go_on(program);
    program_await_phase(program, "idle");
    run_many(&idle, program, RUNS_IDLE);
    program_free(program);

    double usual = idle.seconds[idle.runs / 2], median = busy.seconds[busy.runs / 2],
           most = busy.seconds[busy.runs - 1];
    cr_log_info("go%s: %.1f ms (median), %.1f ms (most), %.1f ms at rest; %" PRIu64 " torn reads, %" PRIu64
                " attempts at most, %" PRIu64 " entries, growing %u times of %u",
                toolchain->version, median * 1e3, most * 1e3, usual * 1e3, busy.torn_reads, busy.attempts_most,
                busy.entries_most, busy.growing, busy.runs);
    cr_expect_eq(idle.torn_reads, 0u, "go%s: %" PRIu64 " torn reads at rest", toolchain->version, idle.torn_reads);
    cr_expect_eq(busy.unknown + idle.unknown, 0u, "go%s: %u answers know nothing", toolchain->version,
                 busy.unknown + idle.unknown);
    cr_expect_gt(busy.torn_reads + busy.changing + busy.growing, 0u, "go%s: nothing was seen changing",
                 toolchain->version);
    cr_expect_gt(busy.entries_most, 1000u, "go%s", toolchain->version);
    /* A walk is begun anew some times, beside four threads that take both processors and more. How long a single answer
     * waits for its turn says nothing. */
    cr_expect_leq(median, 20 * usual, "go%s: %.1f ms, at rest %.1f ms", toolchain->version, median * 1e3, usual * 1e3);
}
