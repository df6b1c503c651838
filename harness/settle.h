/* SPDX-License-Identifier: Apache-2.0
 *
 * Bringing a process to rest, so that what is measured then can be compared.
 *
 * A program that listens (gpw_settle_await of gopagewatch.h) is asked, and is at rest when it says so: it has collected
 * its garbage and given back what is free. Any other is at rest when its resident memory is flat: over a tenth of the
 * longest time (at least 200 ms, at most 2 s) the largest and the smallest of eleven readings differ by no more than
 * 0.5 % or 256 KiB. That does not give anything back; it only means that the program does nothing with its memory now.
 */
#ifndef GPW_HARNESS_SETTLE_H
#define GPW_HARNESS_SETTLE_H

#include <stdint.h>

#include "harness/control_page.h"

enum settle_way { SETTLE_BY_PROGRAM, SETTLE_BY_RSS };
enum settle_end { SETTLE_AT_REST, SETTLE_TIMED_OUT, SETTLE_ENDED /* the process is gone */ };

struct settle_outcome {
    enum settle_way way;
    enum settle_end end;
    uint64_t took_ns;
};

/* Waits until process `pid` is at rest, `longest_ns` at most. `control` is its open page, with no request in hand, or
 * NULL where there is none. */
struct settle_outcome settle_process(int pid, struct control_page *control, uint64_t longest_ns);

/* What "at rest" means then, for people: "its resident memory is flat". */
const char *settle_way_text(enum settle_way way);

/* ---- what flat is ---- */

enum { SETTLE_READINGS = 11 };

struct settle_readings {
    uint64_t bytes[SETTLE_READINGS]; /* the last, in a ring */
    uint32_t count;                  /* ever taken */
};

/* The time over which it must be flat. */
uint64_t settle_window_ns(uint64_t longest_ns);
/* When the next reading is due, after one that was due at `due_ns` and taken at `at_ns`. What was missed is not caught
 * up with: readings of one moment are always flat. */
uint64_t settle_next_ns(uint64_t due_ns, uint64_t at_ns, uint64_t interval_ns);
void settle_add_reading(struct settle_readings *readings, uint64_t bytes);
/* Not before a whole window was seen. */
bool settle_is_flat(const struct settle_readings *readings);

#endif
