/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Go runtime itself says it gave back, by GODEBUG=scavtrace=1 on standard error:
 *
 *     scav 512 KiB work, 5240 KiB total, 97% util (forced)                        go1.17 to 1.20
 *     scav 0 KiB work (bg), 512 KiB work (eager), 5240 KiB now, 97% util          since go1.21
 *
 * A line is written at the end of a sweep, for what was given back since the last one, and by debug.FreeOSMemory for
 * what that call gave back ("forced"). So work in the background shows only after the next collection. Up to go1.20
 * what is given back when the heap grows is in no line. With GOGC=off there is neither: then the sum is exact at any
 * time.
 */
#ifndef SUPPORT_SCAVTRACE_H
#define SUPPORT_SCAVTRACE_H

#include <stdint.h>

struct scavtrace {
    unsigned lines;
    unsigned forced_lines;
    uint64_t background_bytes; /* up to go1.20: all that was not forced */
    uint64_t eager_bytes;
    uint64_t forced_bytes;
    uint64_t released_bytes; /* the sum of the three */
};

/* Sums all lines of that kind in a text; others are passed over. A line "scav ..." of another form fails the test. */
struct scavtrace scavtrace_sum(const char *text);

#endif
