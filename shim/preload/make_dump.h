/* SPDX-License-Identifier: Apache-2.0
 *
 * One dump of this process: scratch memory, snapshot, document, file.
 *
 * Allowed context: dumper.
 */
#ifndef GPW_PRELOAD_MAKE_DUMP_H
#define GPW_PRELOAD_MAKE_DUMP_H

#include <stdint.h>

/* How a dump ended. */
struct dump_outcome {
    uint64_t seq;
    int error;        /* 0, or -errno */
    const char *path; /* of the dump, or what could not be used; valid until the next dump */
    const char *why;  /* "" or what went wrong: "cannot create" */
};

/* Makes and writes a dump. When it cannot: one line on stderr, a counter in the next dump, nothing left behind. */
struct dump_outcome make_dump(const char *reason, const char *label);

#endif
