/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics of a dump, for both formats that have them: which there are, their names, units and series. The formats
 * differ in the lines that introduce a family, and in the end.
 *
 * Every series has the labels comm and pid, and one more where its table says so: they identify a process and a class,
 * never an address, so the number of series is bounded.
 */
#ifndef GPW_HARNESS_EXPORT_METRICS_H
#define GPW_HARNESS_EXPORT_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/dump.h"
#include "harness/error.h"

enum metric_kind { METRIC_GAUGE, METRIC_COUNTER, METRIC_INFO };

struct metric_family {
    const char *name; /* whole for a gauge; without "_total" or "_info" else */
    enum metric_kind kind;
    const char *unit; /* which the name ends in; or NULL */
    const char *help; /* nothing in it needs an escape */
};

/* Writes all families that have a series; `introduce` is called before the first of each. False: two of the dumps are
 * of one process (their series would be the same), and `error` says so. */
bool export_metrics_write(FILE *out, const struct dump *dumps, uint32_t dumps_count,
                          void (*introduce)(FILE *out, const struct metric_family *family), struct error *error);

/* "_total", "_info" or "": what stands behind the family's name in a sample's. */
const char *metric_suffix(enum metric_kind kind);

#endif
