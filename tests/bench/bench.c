/* SPDX-License-Identifier: Apache-2.0
 *
 * What the shim costs: the same program with and without it, in turns, in one run. Figures are ratios and differences,
 * each against its limit; the exit status is 1 when a limit is passed.
 *
 * usage: bench LIBRARY APPS_DIR ETCD_BINARY [PART...]      (start freeloop allocloop dump heartbeat maps; default all)
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

/* Median ratio of what the program itself measured. */
static bool bench_ratio(const char *name, char **command, int pairs, double limit)
{
    double ratios[PAIRS_MAX], without[PAIRS_MAX];
    for (int i = 0; i < pairs; i++) {
        /* Who goes first alternates, so that warming up favours nobody. */
        double seconds[2];
        for (int k = 0; k < 2; k++) {
            int way = (i + k) % 2;
            seconds[way] = run_and_read_seconds(command, way == 1);
        }
        ratios[i] = seconds[1] / seconds[0];
        without[i] = seconds[0];
    }
    char details[96];
    double figure = median(ratios, pairs), low, high;
    median_interval(ratios, pairs, &low, &high);
    snprintf(details, sizeof details, "%.3f to %.3f, %d pairs, %.3f s without", low, high, pairs,
             median(without, pairs));
    return report(name, figure, limit, "", details, low <= limit);
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
    enum { PAIRS = 11, WITHOUT = 0, WITH = 1, LOOP = 2, WAYS = 3 };
    double (*const ways[WAYS])(struct map_run *) = {NULL, answer, map_answer_nothing};
    double ratios[PAIRS], loop_ratios[PAIRS], without[PAIRS], seconds = 1;
    for (int i = 0; i < PAIRS; i++) {
        double p99_ns[WAYS];
        for (int k = 0; k < WAYS; k++) {
            int way = (i + k) % WAYS;
            p99_ns[way] = map_write_p99_ns(run, ways[way], &seconds);
        }
        ratios[i] = p99_ns[WITH] / p99_ns[WITHOUT];
        loop_ratios[i] = p99_ns[LOOP] / p99_ns[WITHOUT];
        without[i] = p99_ns[WITHOUT];
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
    static const char *const NAMES[] = {"freeloop", "allocloop", "bigheap", "heartbeat", "maps"};
    enum { NAMES_COUNT = sizeof NAMES / sizeof NAMES[0] };
    char path[NAMES_COUNT][4096];
    for (int i = 0; i < NAMES_COUNT; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", argv[2], NAMES[i]);
    run_open(argv[1]);

    char **parts = argv + 4;
    bool is_ok = true;
    if (is_wanted(parts, "start")) {
        is_ok &= bench_start("start of /bin/true", (char *[]){"/bin/true", NULL}, 301, 0.3);
        is_ok &= bench_start("start of etcd --version", (char *[]){argv[3], "--version", NULL}, 41, 3.0);
    }
    if (is_wanted(parts, "freeloop"))
        is_ok &= bench_ratio("FreeOSMemory in a loop", (char *[]){path[0], NULL}, 31, 1.03);
    if (is_wanted(parts, "allocloop"))
        is_ok &= bench_ratio("allocation-heavy program", (char *[]){path[1], "-n", "1000", NULL}, 61, 1.01);
    if (is_wanted(parts, "dump"))
        is_ok &= bench_dump(path[2]);
    if (is_wanted(parts, "heartbeat"))
        is_ok &= bench_heartbeat(path[3]);
    if (is_wanted(parts, "maps"))
        is_ok &= bench_maps(path[4]);
    return is_ok ? 0 : 1;
}
