/* SPDX-License-Identifier: Apache-2.0
 *
 * The two figures that only smaps knows: lazily freed pages (MADV_FREE), and huge pages where the scan cannot see them.
 *
 * Reading smaps costs about 13 ms for each GiB, so it is read only when one of the two can be other than zero.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_MEMORY_SMAPS_H
#define GPW_MEMORY_SMAPS_H

#include <stdint.h>

#include "memory/bump.h"

struct smaps_entry {
    uintptr_t start, end;
    uint64_t resident_bytes, swapped_bytes, huge_bytes, lazyfree_bytes;
};

typedef void smaps_callback(void *context, const struct smaps_entry *entry);

/* Calls back for each mapping in the file at `path`, in address order. 0, or -errno. */
int smaps_read(const char *path, struct bump *bump, smaps_callback *callback, void *context);

#endif
