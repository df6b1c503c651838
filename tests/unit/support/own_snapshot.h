/* SPDX-License-Identifier: Apache-2.0
 *
 * A snapshot of the test's own process, with a shadow table that the test fills in: what the shim does while it
 * watches, without a Go program. The table's memory is given as `shim`, the snapshot's own as scratch.
 */
#ifndef GPW_TESTS_OWN_SNAPSHOT_H
#define GPW_TESTS_OWN_SNAPSHOT_H

#include "dump/snapshot.h"

struct own_snapshot {
    struct region region;
    struct shadow shadow;
    struct bump bump;
    struct reader_process reader;
    struct known_range given[2];
    struct snapshot_source source; /* a test may change it before it takes the snapshot */
    struct snapshot snapshot;
};

void own_snapshot_open(struct own_snapshot *own);
void own_snapshot_take(struct own_snapshot *own);
/* The row of that class of the mapping that holds `address`, or NULL. */
const struct map_row *own_snapshot_row(const struct own_snapshot *own, const void *address,
                                       enum memory_class memory_class);

/* `bytes` bytes of address space without access, aligned to 64 MiB, with nothing beside it. */
uint8_t *reserve_aligned(uint64_t bytes);

#endif
