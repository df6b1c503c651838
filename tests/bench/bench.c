/* SPDX-License-Identifier: Apache-2.0
 *
 * What the shim costs: the same program with and without it, in turns, in one run. Figures are ratios and differences,
 * each against its limit; the exit status is 1 when a limit is passed.
 *
 * usage: bench LIBRARY APPS_DIR ETCD_BINARY [PART...]
 * PART: start freeloop mmaploop allocloop dump heartbeat maps; default all
 *
 * A pair is one run without and one with; the figure is the median over the pairs, so that a disturbance of the machine
 * that lasts for some runs does not count. On a shared machine two runs of the same program differ by a tenth and more,
 * so a ratio comes with the interval that holds the true median with 95 %, and a limit is passed when all of it is
 * above.
 */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 1001 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof values[0], compare);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static bool report(const char *name, double figure, double limit, const char *unit, const char *details, bool is_ok)
{
    printf("%-34s %8.3f%-4s limit %6.3f%-4s %-4s  %s\n", name, figure, unit, limit, unit, is_ok ? "ok" : "OVER",
           details);
    fflush(stdout);
    return is_ok;
}

static bool is_within(const char *name, double figure, double limit, const char *unit, const char *details)
{
    return report(name, figure, limit, unit, details, figure <= limit);
}

/* The lower and upper bound of the median of `values`, which are in order: by order statistics, 95 %. */
static void median_interval(const double *values, int count, double *low, double *high)
{
    int steps = (int)(0.98 * sqrt(count));
    int first = count / 2 - steps < 0 ? 0 : count / 2 - steps;
    *low = values[first];
    *high = values[count - 1 - first];
}

/* The ways a program is run; the environment's GOPAGEWATCH_STACKS is the bench's. */
enum way { WITHOUT, WITHOUT_STACKS, WITH_SHIM, WAYS };

static double run_in_way(char **command, enum way way)
{
    setenv("GOPAGEWATCH_STACKS", way == WITHOUT_STACKS ? "off" : "all", 1);
    return run_and_read_seconds(command, way != WITHOUT);
}

/* Runs of one program, a row for each time that all ways had their turn. */
struct rounds {
    int count;
    double seconds[WAYS][PAIRS_MAX];
};

/* Who goes first alternates, so that warming up favours nobody. */
static void run_rounds(struct rounds *rounds, char **command, int count, const enum way *ways, int ways_count)
{
    rounds->count = count;
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < ways_count; k++) {
            enum way way = ways[(i + k) % ways_count];
            rounds->seconds[way][i] = run_in_way(command, way);
        }
    }
}

/* Median ratio of what the program itself measured. */
static bool report_ratio(const char *name, const struct rounds *rounds, enum way with, double limit)
{
    double ratios[PAIRS_MAX], without[PAIRS_MAX], low, high;
    for (int i = 0; i < rounds->count; i++) {
        ratios[i] = rounds->seconds[with][i] / rounds->seconds[WITHOUT][i];
        without[i] = rounds->seconds[WITHOUT][i];
    }
    char details[96];
    double figure = median(ratios, rounds->count);
    median_interval(ratios, rounds->count, &low, &high);
    snprintf(details, sizeof details, "%.3f to %.3f, %d pairs, %.3f s without", low, high, rounds->count,
             median(without, rounds->count));
    return report(name, figure, limit, "", details, low <= limit);
}

/* What a stack costs: by how much a program of `calls` calls is slower with stacks than without them, for each. */
static bool report_capture(const char *name, const struct rounds *rounds, double calls, double limit_us)
{
    double each[PAIRS_MAX], low, high;
    for (int i = 0; i < rounds->count; i++)
        each[i] = (rounds->seconds[WITH_SHIM][i] - rounds->seconds[WITHOUT_STACKS][i]) / calls * 1e6;
    char details[96];
    double figure = median(each, rounds->count);
    median_interval(each, rounds->count, &low, &high);
    snprintf(details, sizeof details, "%.2f to %.2f, %d pairs of %.0f calls", low, high, rounds->count, calls);
    return report(name, figure, limit_us, " us", details, low <= limit_us);
}

static bool bench_freeloop(char *app)
{
    enum { ROUNDS = 200, MEBIBYTES = 16, BLOCKS = (MEBIBYTES << 20) / (40 << 10) };
    static const enum way ALL[] = {WITHOUT, WITHOUT_STACKS, WITH_SHIM};
    static struct rounds rounds;
    run_rounds(&rounds, (char *[]){app, NULL}, 31, ALL, WAYS);
    bool is_ok = report_ratio("FreeOSMemory in a loop", &rounds, WITHOUT_STACKS, 1.03);
    is_ok &= report_ratio("the same, with stacks", &rounds, WITH_SHIM, 1.05);
    /* Every second block is given back by a call of its own. */
    is_ok &= report_capture("a stack in the madvise hook", &rounds, ROUNDS * (double)BLOCKS / 2, 3);
    return is_ok;
}

static bool bench_mmaploop(char *app)
{
    enum { CALLS = 100000 };
    static const enum way WATCHED[] = {WITHOUT_STACKS, WITH_SHIM};
    static struct rounds rounds;
    run_rounds(&rounds, (char *[]){app, NULL}, 15, WATCHED, 2);
    return report_capture("a stack of a C mmap", &rounds, CALLS, 20);
}

static bool bench_allocloop(char *app)
{
    static const enum way PAIR[] = {WITHOUT, WITH_SHIM};
    static struct rounds rounds;
    run_rounds(&rounds, (char *[]){app, "-n", "1000", NULL}, 61, PAIR, 2);
    return report_ratio("allocation-heavy program", &rounds, WITH_SHIM, 1.01);
}

/* Median difference of the wall time of whole processes. */
static bool bench_start(const char *name, char **command, int pairs, double limit_ms)
{
    double differences[PAIRS_MAX], without[PAIRS_MAX];
    for (int i = 0; i < pairs; i++) {
        double ms[2];
        for (int k = 0; k < 2; k++) {
            int way = (i + k) % 2;
            ms[way] = run_and_time(command, way == 1) * 1e3;
        }
        differences[i] = ms[1] - ms[0];
        without[i] = ms[0];
    }
    char details[96];
    snprintf(details, sizeof details, "%d pairs, %.3f ms without", pairs, median(without, pairs));
    return is_within(name, median(differences, pairs), limit_ms, " ms", details);
}

enum { DUMP_ROUNDS = 9 };

static double median_of(const struct dump_figures *figures, double (*value)(const struct dump_figures *))
{
    double values[DUMP_ROUNDS];
    for (int i = 0; i < DUMP_ROUNDS; i++)
        values[i] = value(&figures[i]);
    return median(values, DUMP_ROUNDS);
}

static double scan_ms(const struct dump_figures *figures)
{
    return figures->scan_seconds * 1e3;
}

static double dump_ms(const struct dump_figures *figures)
{
    return figures->dump_seconds * 1e3;
}

static double walk_ms(const struct dump_figures *figures)
{
    return (figures->walk_seconds + figures->join_seconds) * 1e3;
}

/* The walk may cost 60 ms a GiB of the smallest usual objects; of large ones, hardly anything. */
static double part_of_allowance(const struct dump_figures *figures)
{
    return figures->dump_seconds / (1.5 * (figures->scan_seconds + 0.060));
}

static double of_scan(const struct dump_figures *figures)
{
    return figures->dump_seconds / figures->scan_seconds;
}

static bool bench_dump(char *app)
{
    struct dump_figures figures[DUMP_ROUNDS];
    char details[128];

    measure_dumps((char *[]){app, NULL}, figures, DUMP_ROUNDS);
    snprintf(details, sizeof details, "of a bare scan: %.1f ms, scan %.1f ms, %.1f GiB resident",
             median_of(figures, dump_ms), median_of(figures, scan_ms), (double)figures[0].resident_bytes / (1 << 30));
    bool is_ok = is_within("a dump of a 4 GiB heap", median_of(figures, of_scan), 1.5, "", details);
    const struct dump_figures *last = &figures[DUMP_ROUNDS - 1];
    double allowed_mib = 2 + (double)last->arenas_bytes / 1000 / (1 << 20);
    is_ok &= is_within("the shim's resident memory", (double)last->shim_resident_bytes / (1 << 20), allowed_mib, " MiB",
                       "2 MiB + 0.1 % of the arenas");

    measure_dumps((char *[]){app, "-small", "1024", NULL}, figures, DUMP_ROUNDS);
    snprintf(details, sizeof details, "%.1f M objects; the whole dump %.1f ms, a bare scan %.1f ms",
             (double)figures[0].objects / (1 << 20), median_of(figures, dump_ms), median_of(figures, scan_ms));
    is_ok &= is_within("walk and join of 64-byte objects", median_of(figures, walk_ms), 60, " ms", details);

    measure_dumps((char *[]){app, "-small", "4096", NULL}, figures, DUMP_ROUNDS);
    snprintf(details, sizeof details, "of 1.5 x (a bare scan + 60 ms): %.1f ms, scan %.1f ms, walk and join %.1f ms",
             median_of(figures, dump_ms), median_of(figures, scan_ms), median_of(figures, walk_ms));
    is_ok &= is_within("a dump of 4 GiB of 64-byte objects", median_of(figures, part_of_allowance), 1, "", details);
    return is_ok;
}

/* The longest gap of a stretch is a matter of luck, and on a virtual machine it is milliseconds without any dump. So it
 * is counted in how many pairs of neighbouring stretches the one with dumps had the longer one: half of them, if dumps
 * do nothing. By luck alone it is more than 15 of 20 in one run of 170. */
static bool bench_heartbeat(char *app)
{
    enum { PAIRS = 20, LONGER_MAX = 15 };
    struct heartbeat_figures figures[2];
    double longest[2][PAIRS], p999[2][PAIRS];
    int longer = 0;
    struct heartbeat *heartbeat = heartbeat_start(app);
    for (int i = 0; i < PAIRS; i++) {
        /* Who goes first alternates. */
        for (int k = 0; k < 2; k++) {
            int way = (i + k) % 2;
            heartbeat_measure(heartbeat, &figures[way], way == 1);
            longest[way][i] = figures[way].longest_seconds * 1e3;
            p999[way][i] = figures[way].p999_seconds * 1e3;
        }
        longer += longest[1][i] > longest[0][i];
    }
    heartbeat_end(heartbeat);
    char details[160];
    snprintf(details, sizeof details,
             "pairs of %d have the longer gap during dumps; median %.2f ms, %.2f without; p99.9 %.2f ms, %.2f without",
             PAIRS, median(longest[1], PAIRS), median(longest[0], PAIRS), median(p999[1], PAIRS),
             median(p999[0], PAIRS));
    return is_within("longest gap of a heartbeat", longer, LONGER_MAX, "", details);
}

/* The program's own p99 of writes to a map, during answers about it against without, in turns. Where processors share a
 * cache and are shared themselves, whatever else runs costs it something: so a loop that does nothing has a turn as
 * well, and its ratio is told, as the part of the figure that is not the answer's. */
static bool bench_map_writes(const char *name, struct map_run *run, double (*answer)(struct map_run *))
{
    enum { PAIRS = 11, ALONE = 0, ANSWERED = 1, LOOPED = 2, COURSES = 3 };
    double (*const ways[COURSES])(struct map_run *) = {NULL, answer, map_answer_nothing};
    double ratios[PAIRS], loop_ratios[PAIRS], without[PAIRS], seconds = 1;
    for (int i = 0; i < PAIRS; i++) {
        double p99_ns[COURSES];
        for (int k = 0; k < COURSES; k++) {
            int way = (i + k) % COURSES;
            p99_ns[way] = map_write_p99_ns(run, ways[way], &seconds);
        }
        ratios[i] = p99_ns[ANSWERED] / p99_ns[ALONE];
        loop_ratios[i] = p99_ns[LOOPED] / p99_ns[ALONE];
        without[i] = p99_ns[ALONE];
    }
    char details[128];
    double figure = median(ratios, PAIRS), low, high;
    median_interval(ratios, PAIRS, &low, &high);
    snprintf(details, sizeof details, "%.3f to %.3f, %d pairs of %.1f s, %.0f ns without; a mere loop: %.3f", low, high,
             PAIRS, seconds, median(without, PAIRS), median(loop_ratios, PAIRS));
    return report(name, figure, 1.1, "", details, low <= 1.1);
}

static bool bench_maps(char *app)
{
    enum { ENTRIES = 10000000, ROUNDS = 5 };
    double outside[ROUNDS], inside[ROUNDS];
    struct map_run *run = map_start(app, ENTRIES);
    for (int i = 0; i < ROUNDS; i++) {
        outside[i] = map_answer_outside(run);
        inside[i] = map_answer_inside(run);
    }
    bool is_ok = is_within("a map of 10^7 entries, outside", median(outside, ROUNDS), 3, " s", "the whole command");
    is_ok &= is_within("a map of 10^7 entries, inside", median(inside, ROUNDS), 1, " s", "its walk, in a dump");
    map_begin_writes(run);
    is_ok &= bench_map_writes("p99 of map writes, asked outside", run, map_answer_outside);
    is_ok &= bench_map_writes("p99 of map writes, asked inside", run, map_answer_inside);
    map_end(run);
    return is_ok;
}

/* Without names all are wanted. */
static bool is_wanted(char **names, const char *part)
{
    for (char **name = names; *name != NULL; name++) {
        if (strcmp(*name, part) == 0)
            return true;
    }
    return names[0] == NULL;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: bench LIBRARY APPS_DIR ETCD_BINARY [PART...]\n");
        return 2;
    }
    enum { FREELOOP, MMAPLOOP, ALLOCLOOP, BIGHEAP, HEARTBEAT, MAPS, APPS };
    static const char *const NAMES[APPS] = {"freeloop", "mmaploop", "allocloop", "bigheap", "heartbeat", "maps"};
    char path[APPS][4096];
    for (int i = 0; i < APPS; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", argv[2], NAMES[i]);
    run_open(argv[1]);

    char **parts = argv + 4;
    bool is_ok = true;
    if (is_wanted(parts, "start")) {
        is_ok &= bench_start("start of /bin/true", (char *[]){"/bin/true", NULL}, 301, 0.3);
        is_ok &= bench_start("start of etcd --version", (char *[]){argv[3], "--version", NULL}, 41, 3.0);
    }
    if (is_wanted(parts, "freeloop"))
        is_ok &= bench_freeloop(path[FREELOOP]);
    if (is_wanted(parts, "mmaploop"))
        is_ok &= bench_mmaploop(path[MMAPLOOP]);
    if (is_wanted(parts, "allocloop"))
        is_ok &= bench_allocloop(path[ALLOCLOOP]);
    if (is_wanted(parts, "dump"))
        is_ok &= bench_dump(path[BIGHEAP]);
    if (is_wanted(parts, "heartbeat"))
        is_ok &= bench_heartbeat(path[HEARTBEAT]);
    if (is_wanted(parts, "maps"))
        is_ok &= bench_maps(path[MAPS]);
    return is_ok ? 0 : 1;
}
