/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands out in a snapshot, as data: a name, bytes, the evidence, what it means and what to do about it.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_FINDINGS_H
#define GPW_DUMP_FINDINGS_H

#include <stdint.h>

#include "dump/environment.h"
#include "dump/snapshot.h"

enum { FINDINGS_MAX = 8, EVIDENCE_MAX = 8 };

/* Less than this, or than this part of the RSS, is no finding. */
#define FINDING_BYTES_MIN (1ull << 20)
enum { FINDING_RSS_PART = 100 };

struct evidence {
    const char *name;
    const char *text; /* NULL: it is a number */
    uint64_t number;
};

struct finding {
    const char *id;
    uint64_t bytes;
    const char *text, *advice;
    struct evidence evidence[EVIDENCE_MAX];
    uint32_t evidence_count;
};

struct findings {
    struct finding findings[FINDINGS_MAX]; /* by bytes falling */
    uint32_t count;
};

void findings_make(struct findings *findings, const struct snapshot *snapshot, const struct environment *environment,
                   const struct shadow *shadow);

#endif
