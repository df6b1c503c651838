/* SPDX-License-Identifier: Apache-2.0
 *
 * What top shows of one look at a process: plain values, nothing of the look itself is kept.
 */
#ifndef GPW_HARNESS_TOP_SAMPLE_H
#define GPW_HARNESS_TOP_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/findings.h"
#include "harness/error.h"
#include "harness/live_process.h"

struct top_finding {
    const char *id; /* constant */
    uint64_t bytes;
};

struct top_sample {
    uint64_t at_ns;   /* CLOCK_MONOTONIC, when the look was over */
    uint64_t cost_ns; /* of CPU time that the look took */
    uint64_t age_ns;  /* of the process; 0: not known */
    char comm[LIVE_COMM_BYTES];
    char go_version[GO_VERSION_TEXT_BYTES];
    uint32_t runtimes_count; /* what follows of Go is of the first */
    struct proc_status status;
    uint64_t explained_bytes;
    struct class_sizes classes[CLASS_COUNT];
    bool has_gc;
    struct gc_state gc;
    char unwalked_why[LAYOUT_WHY_BYTES]; /* "": the Go heap was walked */
    uint64_t reinflated_bytes;           /* given back by Go, and resident */
    bool has_shim;
    struct top_finding findings[FINDINGS_MAX]; /* by bytes falling */
    uint32_t findings_count;
};

/* Looks at the process once. False: `error`. */
bool top_sample_take(struct top_sample *sample, int pid, struct error *error);

#endif
