/* SPDX-License-Identifier: Apache-2.0
 *
 * What grew, by class and by size class: under a failure it names what to look at.
 */
#ifndef GPW_HARNESS_CHECK_GROWTH_H
#define GPW_HARNESS_CHECK_GROWTH_H

#include <stdbool.h>

#include "harness/check_row.h"

/* Fills `classes` and `size_classes` of the result. False: no memory. */
bool check_growth_make(struct check_result *result, const struct row_context *context, struct error *error);

#endif
