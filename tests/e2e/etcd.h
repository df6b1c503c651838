/* SPDX-License-Identifier: Apache-2.0
 *
 * Debian's etcd as a program under test, with the load that its JSON gateway takes (POST /v3/kv/put, /v3/kv/range).
 */
#ifndef GPW_TESTS_E2E_ETCD_H
#define GPW_TESTS_E2E_ETCD_H

#include <stdint.h>

#include "tests/e2e/support/watched.h"

struct etcd;

enum etcd_way { ETCD_PRELOADED, ETCD_BY_RUN /* `gopagewatch run`: the same process in the end */ };

/* Starts build/etcd/usr/bin/etcd under the shim on free ports of 127.0.0.1 and waits until it answers. Or fails the
 * test. */
struct etcd *etcd_start(enum etcd_way way);

struct watched *etcd_watched(struct etcd *etcd);

/* Puts `count` keys of that round with values of `value_bytes` and gets each back. Fails the test when a value is not
 * the one that was put. */
void etcd_put_and_get(struct etcd *etcd, int round, int count, uint64_t value_bytes);

/* Has it collect its garbage (its pprof handler can be asked to). */
void etcd_collect_garbage(struct etcd *etcd);

/* What it says of its own heap at /metrics. They come from runtime/metrics, where what processors have allocated of the
 * spans they hold is not counted yet: the spans are taken back from them before (by the heap profile as text, whose
 * head is made by ReadMemStats). */
struct etcd_memstats {
    double alloc, inuse, idle, released, sys, stack_inuse, objects, next_gc;
};
struct etcd_memstats etcd_memstats(struct etcd *etcd);

/* Ends it by SIGTERM, which is its orderly way. */
void etcd_stop(struct etcd *etcd);

#endif
