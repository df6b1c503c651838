/* SPDX-License-Identifier: Apache-2.0
 *
 * A baseline: what a gate compares with, as a file that is committed beside the program. It holds the values of every
 * metric in every sample, a metric a line, and the circumstances under which they were taken (docs/ci.md).
 *
 *   {"schema": "gopagewatch.baseline/1", "utc": "...", "program": "shop", "environment": {...},
 *    "samples": [{"has_heap": true}, ...], "bytes": {"rss.total": [62922752, ...], ...}, "counts": {...}}
 */
#ifndef GPW_HARNESS_BASELINE_H
#define GPW_HARNESS_BASELINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "harness/error.h"
#include "harness/samples.h"

bool baseline_is_document(const json_t *document);

/* Adds its samples to the baseline's side. False: `error` names the key that is missing or wrong. */
bool baseline_read(struct samples *samples, const json_t *document, struct error *error);

/* Writes the current side of finished samples. False: no memory; errors of `out` are the caller's to look for. */
bool baseline_write(FILE *out, const struct samples *samples, struct error *error);

#endif
