/* SPDX-License-Identifier: Apache-2.0
 *
 * One dump of this process: scratch memory, snapshot, document, file.
 *
 * Allowed context: dumper.
 */
#ifndef GPW_PRELOAD_MAKE_DUMP_H
#define GPW_PRELOAD_MAKE_DUMP_H

/* Makes and writes a dump. When it cannot: one line on stderr, a counter in the next dump, nothing left behind. */
void make_dump(const char *reason);

#endif
