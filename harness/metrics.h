/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of a dump under the names that a gate knows them by (docs/ci.md):
 *
 *   rss.total  rss.explained  rss.swapped  peak.rss  process.threads
 *   rss.CLASS.{mapped,resident,swapped,huge,lazyfree}             rss.go.unused.resident
 *   go.sizeclass.SLOT_BYTES.{spans,slots,objects,bytes,mapped,resident,sparse_bytes}
 *   go.large.{spans,bytes,resident,untouched}  go.reinflated.{resident,huge}
 *   go.heaps.N.{spans,objects}  go.heaps.N.gc.{cycle,goal,live}
 *   go.advice.BY.ADVICE.{calls,bytes,errors}                      go.advice.go.DONTNEED.bytes
 *   findings.ID.bytes
 */
#ifndef GPW_HARNESS_METRICS_H
#define GPW_HARNESS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/dump.h"

enum metric_unit { METRIC_BYTES, METRIC_COUNT };

/* Longer names are cut (names of classes and findings of a later version). */
enum { METRIC_NAME_BYTES = 128 };

struct metric {
    const char *name;
    enum metric_unit unit;
    uint64_t value; /* or DUMP_NOT_KNOWN */
};

/* Calls `visit` for every number of the dump, in no order that matters. `name` is valid during the call. Ends when
 * `visit` returns false, and returns that. */
bool metrics_visit(const struct dump *dump, bool (*visit)(void *context, const struct metric *metric), void *context);

/* Whether the heap of every Go runtime in the process was walked: else nothing of `go.` but advice is known. */
bool metrics_has_heap(const struct dump *dump);

/* What it means that a dump has no such metric: size classes without spans and findings that are none are not written,
 * nor is advice that was never given. */
enum metric_absence { METRIC_ABSENT_IS_NOT_KNOWN, METRIC_ABSENT_IS_ZERO, METRIC_ABSENT_IS_ZERO_IN_HEAP };
enum metric_absence metric_absence(const char *name);

/* Whether a metric exists though no dump may have it, absent or because the heap was not walked:
 * "findings.lazyfree.bytes", "go.large.resident", "go.sizeclass.4096.resident", but not "go.sizeclass.4097.resident".
 */
bool metric_is_known(const char *name, enum metric_unit *unit);

#endif
