/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a test waits for what must come. Generous: a loaded machine is no failure, and what comes early is not
 * waited for. It only has to be shorter than the test runner's patience.
 */
#ifndef SUPPORT_DEADLINE_H
#define SUPPORT_DEADLINE_H

#include <stdint.h>

enum { DEADLINE_SECONDS = 150 };

struct deadline {
    int64_t at_ms; /* CLOCK_MONOTONIC */
};

/* From now on. */
struct deadline deadline_usual(void); /* DEADLINE_SECONDS */
struct deadline deadline_in_ms(int64_t milliseconds);

/* For poll(2): what is left, 0 when it has passed. */
int deadline_left_ms(struct deadline deadline);

#endif
