/* SPDX-License-Identifier: Apache-2.0
 *
 * What call sites say of two classes of memory: c.mmap by the stack that mapped it, go.metadata by what it is for.
 */
#ifndef GPW_HARNESS_EXPORT_SITES_H
#define GPW_HARNESS_EXPORT_SITES_H

#include <stdint.h>

#include "harness/dump.h"

struct export_site {
    enum memory_class class;          /* CLASS_C_MMAP or CLASS_GO_METADATA */
    const char *purpose;              /* of go.metadata; NULL: of c.mmap */
    const struct dump_callsite *site; /* of c.mmap; NULL: there are several for a purpose */
    uint64_t resident_bytes;          /* as the dump claims it, not 0 */
};

/* Into `rows`, which has room for all call sites of the dump. Those of a class stand together: stacks by their id,
 * purposes by their name. Returns how many there are. */
uint64_t export_sites_find(const struct dump *dump, struct export_site *rows);

#endif
