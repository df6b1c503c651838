/* SPDX-License-Identifier: Apache-2.0
 *
 * What may stand out in a dump. The names are part of the dump's format (docs/dump-format.md).
 */
#ifndef GOPAGEWATCH_FINDING_H
#define GOPAGEWATCH_FINDING_H

/* X(identifier, name) */
#define GPW_FINDINGS(X)                       \
    X(RELEASED_RESIDENT, "released-resident") \
    X(FREE_RESIDENT, "free-resident")         \
    X(SPARSE_SPANS, "sparse-spans")           \
    X(UNTOUCHED, "untouched")                 \
    X(LAZYFREE, "lazyfree")                   \
    X(LARGE_PAGES, "large-pages")             \
    X(C_HEAP_FREE, "c-heap-free")

enum finding_id {
#define X(id, name) FINDING_##id,
    GPW_FINDINGS(X)
#undef X
        FINDING_COUNT
};

static inline const char *finding_name(enum finding_id id)
{
    static const char *const NAMES[FINDING_COUNT] = {
#define X(id, name) [FINDING_##id] = (name),
        GPW_FINDINGS(X)
#undef X
    };
    return NAMES[id];
}

#endif
