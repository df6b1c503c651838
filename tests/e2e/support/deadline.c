/* SPDX-License-Identifier: Apache-2.0
 *
 * Monotonic, so that nobody who sets the clock fails a test.
 */
#include "tests/e2e/support/deadline.h"

#include <limits.h>
#include <time.h>

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct deadline deadline_in_ms(int64_t milliseconds)
{
    return (struct deadline){now_ms() + milliseconds};
}

struct deadline deadline_usual(void)
{
    return deadline_in_ms((int64_t)DEADLINE_SECONDS * 1000);
}

int deadline_left_ms(struct deadline deadline)
{
    int64_t left = deadline.at_ms - now_ms();
    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}
