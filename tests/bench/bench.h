/* SPDX-License-Identifier: Apache-2.0
 *
 * Running programs for the bench, with and without the shim. Anything that goes wrong ends the bench with a line that
 * says what: a figure is never made up.
 */
#ifndef GPW_TESTS_BENCH_H
#define GPW_TESTS_BENCH_H

#include <stdbool.h>
#include <stdint.h>

/* `library` is preloaded in the runs that ask for it. */
void run_open(const char *library);

/* Wall time of the whole process in seconds; its output is thrown away. */
double run_and_time(char **command, bool with_shim);

/* The program's own figure: a line with "elapsed_ns=N", in seconds. */
double run_and_read_seconds(char **command, bool with_shim);

struct dump_figures {
    double scan_seconds;               /* one PAGEMAP_SCAN of the heap by the program itself */
    double dump_seconds;               /* from the signal to the dump's being in its place */
    double walk_seconds, join_seconds; /* by the dump's own counters */
    uint64_t resident_bytes, shim_resident_bytes, arenas_bytes, objects;
};

/* Starts `command` (tests/apps/bigheap) and measures a scan and a dump `rounds` times, one after the other. */
void measure_dumps(char **command, struct dump_figures *figures, int rounds);

struct heartbeat_figures {
    double longest_seconds, p999_seconds;
};

/* Starts `app` (tests/apps/heartbeat) under the shim. For heartbeat_end. */
struct heartbeat *heartbeat_start(char *app);

/* Measures two seconds, with a dump every 50 ms or without. */
void heartbeat_measure(struct heartbeat *heartbeat, struct heartbeat_figures *figures, bool with_dumps);

void heartbeat_end(struct heartbeat *heartbeat);

/* A program (tests/apps/maps latency) with one map of so many entries, which the shim watches. For map_end. */
struct map_run;
struct map_run *map_start(char *app, uint64_t entries);

/* One answer, which must find all entries: seconds from the start of the command to its end, or those of the walk by
 * the dump's own count. */
double map_answer_outside(struct map_run *run);
double map_answer_inside(struct map_run *run);
/* No answer: as long as the last one, a loop that does nothing. What that costs the program is the machine's doing. */
double map_answer_nothing(struct map_run *run);

/* From now on the program writes to the map all the time. */
void map_begin_writes(struct map_run *run);

/* The program's own p99 of a write, in nanoseconds, while `answer` (one of those above) is made; NULL: for so many
 * seconds without. `seconds` gets how long it was. */
double map_write_p99_ns(struct map_run *run, double (*answer)(struct map_run *), double *seconds);

void map_end(struct map_run *run);

#endif
