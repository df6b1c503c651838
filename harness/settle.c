/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking for rest, or waiting for it.
 */
#include "harness/settle.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "memory/proc_status.h"
#include "memory/units.h"

#define NS_PER_MS 1000000ull
#define NS_PER_SECOND 1000000000ull
#define WINDOW_MIN_NS (200 * NS_PER_MS)
#define WINDOW_MAX_NS (2 * NS_PER_SECOND)
/* How often it is looked whether the process is still there while it is at work. */
#define LOOK_INTERVAL_NS (100 * NS_PER_MS)

enum { WINDOW_PART = 10, STATUS_PATH_BYTES = 64 };

/* 0.5 %, or what a quiet program moves by anyway: stacks of threads, the collector's timers. */
enum { FLAT_PART = 200, FLAT_BYTES = 256 << 10 };

struct waiting {
    char status_path[STATUS_PATH_BYTES];
    uint64_t end_ns;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* ---- what flat is ---- */

uint64_t settle_window_ns(uint64_t longest_ns)
{
    return min_u64(min_u64(max_u64(longest_ns / WINDOW_PART, WINDOW_MIN_NS), WINDOW_MAX_NS), longest_ns);
}

void settle_add_reading(struct settle_readings *readings, uint64_t bytes)
{
    readings->bytes[readings->count++ % SETTLE_READINGS] = bytes;
}

uint64_t settle_next_ns(uint64_t due_ns, uint64_t at_ns, uint64_t interval_ns)
{
    return max_u64(due_ns + interval_ns, at_ns + interval_ns / 2);
}

bool settle_is_flat(const struct settle_readings *readings)
{
    uint64_t least = UINT64_MAX, most = 0;
    if (readings->count < SETTLE_READINGS)
        return false;
    for (int i = 0; i < SETTLE_READINGS; i++) {
        least = min_u64(least, readings->bytes[i]);
        most = max_u64(most, readings->bytes[i]);
    }
    return most - least <= max_u64(most / FLAT_PART, FLAT_BYTES);
}

/* ---- the process ---- */

/* A process that has ended and was not waited for has a status without memory. */
static bool read_rss(const struct waiting *waiting, uint64_t *bytes)
{
    struct proc_status status;
    if (proc_status_read(&status, waiting->status_path) != 0 || status.resident_bytes == 0)
        return false;
    *bytes = status.resident_bytes;
    return true;
}

static bool is_there(const struct waiting *waiting)
{
    uint64_t bytes;
    return read_rss(waiting, &bytes);
}

static void pass_time_until(uint64_t until_ns)
{
    for (uint64_t at_ns = now_ns(); at_ns < until_ns; at_ns = now_ns()) {
        uint64_t rest_ns = until_ns - at_ns;
        nanosleep(&(struct timespec){(time_t)(rest_ns / NS_PER_SECOND), (long)(rest_ns % NS_PER_SECOND)}, NULL);
    }
}

static uint64_t rest_ns(const struct waiting *waiting)
{
    uint64_t at_ns = now_ns();
    return at_ns < waiting->end_ns ? waiting->end_ns - at_ns : 0;
}

/* ---- the two ways ---- */

static enum settle_end await_flat(const struct waiting *waiting, uint64_t window_ns)
{
    struct settle_readings readings = {.count = 0};
    uint64_t interval_ns = window_ns / (SETTLE_READINGS - 1), next_ns = now_ns(), bytes;
    for (;;) {
        if (!read_rss(waiting, &bytes))
            return SETTLE_ENDED;
        settle_add_reading(&readings, bytes);
        if (settle_is_flat(&readings))
            return SETTLE_AT_REST;
        if (rest_ns(waiting) == 0)
            return SETTLE_TIMED_OUT;
        next_ns = settle_next_ns(next_ns, now_ns(), interval_ns);
        pass_time_until(next_ns);
    }
}

static enum settle_end ask(const struct waiting *waiting, struct control_page *control)
{
    struct error error;
    enum settle_end end = SETTLE_TIMED_OUT;
    /* Another command may be waiting for a dump. */
    while (!control_page_settle_begin(control, &error)) {
        if (rest_ns(waiting) == 0)
            return SETTLE_TIMED_OUT;
        if (!is_there(waiting))
            return SETTLE_ENDED;
        pass_time_until(now_ns() + min_u64(rest_ns(waiting), LOOK_INTERVAL_NS));
    }
    while (end == SETTLE_TIMED_OUT && rest_ns(waiting) > 0) {
        if (control_page_settle_await(control, min_u64(rest_ns(waiting), LOOK_INTERVAL_NS)))
            end = SETTLE_AT_REST;
        else if (!is_there(waiting))
            end = SETTLE_ENDED;
    }
    control_page_settle_end(control);
    return end;
}

struct settle_outcome settle_process(int pid, struct control_page *control, uint64_t longest_ns)
{
    bool serves = control != NULL && control_page_serves_settle(control);
    uint64_t begin_ns = now_ns();
    struct waiting waiting = {.end_ns = begin_ns + min_u64(longest_ns, UINT64_MAX - begin_ns)};
    snprintf(waiting.status_path, sizeof waiting.status_path, "/proc/%d/status", pid);
    struct settle_outcome outcome = {
        .way = serves ? SETTLE_BY_PROGRAM : SETTLE_BY_RSS,
        .end = serves ? ask(&waiting, control) : await_flat(&waiting, settle_window_ns(longest_ns)),
    };
    outcome.took_ns = now_ns() - begin_ns;
    return outcome;
}

const char *settle_way_text(enum settle_way way)
{
    return way == SETTLE_BY_PROGRAM ? "the program has given back what it can" : "its resident memory is flat";
}
