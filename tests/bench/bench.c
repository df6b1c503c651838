/* SPDX-License-Identifier: Apache-2.0
 *
 * What the shim costs: the same program with and without it, in turns, in one run. Figures are ratios and differences,
 * each against its limit; the exit status is 1 when a limit is passed.
 *
 * usage: bench LIBRARY APPS_DIR ETCD_BINARY
 *
 * A pair is one run without and one with; the figure is the median over the pairs, so that a disturbance of the machine
 * that lasts for some runs does not count.
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

static bool is_within(const char *name, double figure, double limit, const char *unit, const char *details)
{
    bool is_ok = figure <= limit;
    printf("%-34s %8.3f%-4s limit %6.3f%-4s %-4s  %s\n", name, figure, unit, limit, unit, is_ok ? "ok" : "OVER",
           details);
    fflush(stdout);
    return is_ok;
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
    snprintf(details, sizeof details, "%d pairs, %.3f s without", pairs, median(without, pairs));
    return is_within(name, median(ratios, pairs), limit, "", details);
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

static bool bench_dump(char *app)
{
    enum { ROUNDS = 9 };
    struct dump_figures figures[ROUNDS];
    double ratios[ROUNDS], scans[ROUNDS];
    measure_dumps(app, figures, ROUNDS);
    for (int i = 0; i < ROUNDS; i++) {
        ratios[i] = figures[i].dump_seconds / figures[i].scan_seconds;
        scans[i] = figures[i].scan_seconds * 1e3;
    }
    char details[96];
    snprintf(details, sizeof details, "of a bare scan, %.1f ms, of %.1f GiB resident", median(scans, ROUNDS),
             (double)figures[0].resident_bytes / (1 << 30));
    bool is_ok = is_within("a dump of a 4 GiB heap", median(ratios, ROUNDS), 1.5, "", details);

    const struct dump_figures *last = &figures[ROUNDS - 1];
    double allowed_mib = 2 + (double)last->arenas_bytes / 1000 / (1 << 20);
    return is_within("the shim's resident memory", (double)last->shim_resident_bytes / (1 << 20), allowed_mib, " MiB",
                     "2 MiB + 0.1 % of the arenas") &&
           is_ok;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bench LIBRARY APPS_DIR ETCD_BINARY\n");
        return 2;
    }
    char path[3][4096];
    static const char *const NAMES[] = {"freeloop", "allocloop", "bigheap"};
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", argv[2], NAMES[i]);
    run_open(argv[1]);

    bool is_ok = true;
    is_ok &= bench_start("start of /bin/true", (char *[]){"/bin/true", NULL}, 301, 0.3);
    is_ok &= bench_start("start of etcd --version", (char *[]){argv[3], "--version", NULL}, 41, 3.0);
    is_ok &= bench_ratio("FreeOSMemory in a loop", (char *[]){path[0], NULL}, 15, 1.03);
    is_ok &= bench_ratio("allocation-heavy program", (char *[]){path[1], NULL}, 15, 1.01);
    is_ok &= bench_dump(path[2]);
    return is_ok ? 0 : 1;
}
