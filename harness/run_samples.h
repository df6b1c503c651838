/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a program to sample its memory: several times, a dump of each run; or once, a series of dumps. Then the gate.
 *
 * Of each run counts the last dump that the program made with the wanted label or in the wanted phase, else the one
 * that was made when it was at rest, else, when it ended before that or was not to come to rest, the one at its end.
 * Runs are samples that do not depend on each other; dumps of one process do, and are for slopes.
 */
#ifndef GPW_HARNESS_RUN_SAMPLES_H
#define GPW_HARNESS_RUN_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/check_options.h"
#include "harness/command.h"

struct run_plan {
    uint32_t samples;            /* runs; of a series: dumps after which it is ended, 0: it ends by itself */
    uint64_t settle_ns;          /* 0: until the program ends */
    bool is_series;              /* one run, whose dumps are made by the clock (GOPAGEWATCH_EVERY is set) */
    const char *keep;            /* directory for the dumps; NULL: they go when they were judged */
    struct check_options *check; /* NULL: nothing is judged, `keep` is set */
};

/* Runs `command`. The program's own status when it failed, else the gate's. */
int run_samples(const struct run_plan *plan, char **command);

#endif
