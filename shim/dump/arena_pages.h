/* SPDX-License-Identifier: Apache-2.0
 *
 * The letters of the arenas of a snapshot (gopagewatch/page_state.h), made as their pages are met.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_ARENA_PAGES_H
#define GPW_DUMP_ARENA_PAGES_H

#include "dump/snapshot.h"

/* False: the reserve of `bump` is used up. */
bool arena_pages_open(struct snapshot *snapshot, struct bump *bump);

/* Sets the letters of the Go pages that [start, end) touches. */
void arena_pages_mark(struct snapshot *snapshot, struct bump *bump, uintptr_t start, uintptr_t end, uint8_t letter);

/* Makes the letters of the Go pages that [start, end) touches upper case and counts the bytes; they were marked. */
void arena_pages_mark_resident(struct snapshot *snapshot, uintptr_t start, uintptr_t end);

#endif
