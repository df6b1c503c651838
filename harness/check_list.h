/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics of samples by name: what a rule may name.
 */
#ifndef GPW_HARNESS_CHECK_LIST_H
#define GPW_HARNESS_CHECK_LIST_H

#include <stdio.h>

#include "harness/error.h"
#include "harness/samples.h"

/* A line for each metric: the lowest and the highest of the current samples. False: no memory. */
bool check_list_write(FILE *out, struct samples *samples, struct error *error);

#endif
