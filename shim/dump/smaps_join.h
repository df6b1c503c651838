/* SPDX-License-Identifier: Apache-2.0
 *
 * What only smaps knows, shared out to the rows of a snapshot.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_SMAPS_JOIN_H
#define GPW_DUMP_SMAPS_JOIN_H

#include "dump/snapshot.h"

/* Adds lazyfree, and huge where the scan could not see it. 0, or -errno of reading the file at `path`. */
int smaps_join(struct snapshot *snapshot, const char *path, struct bump *bump);

#endif
