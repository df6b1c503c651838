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

/* What a dump does not name that is of this kind is zero there, if its heap was walked: size classes without spans,
 * findings that are none, advice that was never given. */
bool metric_is_zero_when_absent(const char *name);

/* Metrics of that kind exist even when no dump has them: "findings.lazyfree.bytes", "go.sizeclass.4096.resident". */
bool metric_is_known(const char *name, enum metric_unit *unit);

#endif
