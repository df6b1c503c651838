/* SPDX-License-Identifier: Apache-2.0
 *
 * One dump of this process: scratch memory, snapshot, document, file.
 *
 * Allowed context: dumper.
 */
#ifndef GPW_PRELOAD_MAKE_DUMP_H
#define GPW_PRELOAD_MAKE_DUMP_H

/* Makes and writes a dump, and answers the request in hand if there is one (control.h). When it cannot: one line on
 * stderr, a counter in the next dump, nothing left behind. */
void make_dump(const char *reason, const char *label);

#endif
