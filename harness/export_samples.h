/* SPDX-License-Identifier: Apache-2.0
 *
 * A dump as samples: small amounts of memory, each with a stack of three names that says whose it is.
 *
 *   [resident] -> go.unused -> 64 B slots      memory that is there: what the RSS counts
 *   [not resident] -> go.released -> given back
 *
 * What holds for any dump, whatever stands in it: the resident bytes of the samples of a class add up to the class's,
 * so all of them add up to the sum of the classes; swapped, huge and lazyfree likewise; the released bytes add up to
 * what go.released has mapped. Where the details of a dump contradict its classes the classes win: details are cut to
 * what is left, and what no detail claims is a sample of its own.
 *
 * Where the program keeps a heap profile, go.objects is split further: what a stack allocated is a sample with that
 * stack, what no stack claims stays. If the profile samples, these are estimates (harness/profile.h): together they are
 * cut, each by the same part, to what is resident of their size class. Only these samples have inuse_space (as Go's own
 * heap profile estimates it) and pinned_space (what is resident of spans in which all objects are this stack's; for
 * all stacks together no more than in-use spans have).
 *
 * Where the dump knows call sites, c.mmap is split by the stacks that mapped it and go.metadata by what it is for. What
 * no site claims, and huge and lazily freed pages, of which no site tells, are the rest.
 *
 * A resident page that several samples share counts as a page of the one that it ends in.
 */
#ifndef GPW_HARNESS_EXPORT_SAMPLES_H
#define GPW_HARNESS_EXPORT_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/dump.h"
#include "harness/error.h"
#include "harness/stack_trace.h"
#include "harness/symbols.h"
#include "memory/bump.h"

/* X(identifier, type, unit): what is measured of a sample, in the names of a profile. */
#define EXPORT_VALUES(X)                      \
    X(PAGES, "pages", "count") /* OS pages */ \
    X(RESIDENT, "resident_space", "bytes")    \
    X(SWAPPED, "swapped_space", "bytes")      \
    X(HUGE, "hugepage_space", "bytes")        \
    X(LAZYFREE, "lazyfree_space", "bytes")    \
    X(RELEASED, "released_space", "bytes")    \
    X(INUSE, "inuse_space", "bytes")          \
    X(PINNED, "pinned_space", "bytes")

enum export_value {
#define X(id, type, unit) EXPORT_##id,
    EXPORT_VALUES(X)
#undef X
        EXPORT_VALUE_COUNT
};

enum export_frame { FRAME_LEAF, FRAME_CLASS, FRAME_ROOT, FRAME_COUNT };

struct export_sample {
    const char *frames[FRAME_COUNT];
    const struct dump_profile_stack *stack; /* that allocated it, below FRAME_LEAF; or NULL */
    const struct dump_callsite *site;       /* that mapped it, below FRAME_LEAF; or NULL */
    uint64_t values[EXPORT_VALUE_COUNT];
};

struct export_samples {
    struct export_sample *samples; /* class by class, in the order of the dump's rows */
    uint64_t count;
    struct bump bump; /* holds them */
};

/* The names in the samples belong to them or to the dump, which must live as long. False: no memory, `error` says so;
 * else the caller calls export_samples_free. */
bool export_samples_make(struct export_samples *samples, const struct dump *dump, struct error *error);
void export_samples_free(struct export_samples *samples);

/* The calls below FRAME_LEAF. False, and nothing is done: the sample has none. */
bool export_sample_trace(const struct export_sample *sample, struct stack_trace *trace, struct symbols *symbols,
                         const struct dump *dump);

#endif
