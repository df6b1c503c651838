/* SPDX-License-Identifier: Apache-2.0
 *
 * The advices of madvise(2) that are told apart. The shadow table stores the index (4 bits), the dump the name.
 * Values: include/uapi/asm-generic/mman-common.h.
 */
#ifndef GOPAGEWATCH_ADVICE_H
#define GOPAGEWATCH_ADVICE_H

/* X(identifier, value for the kernel, name). NONE means "never advised", OTHER any value not listed. */
#define GPW_ADVICES(X)                      \
    X(NONE, -1, "none")                     \
    X(DONTNEED, 4, "DONTNEED")              \
    X(FREE, 8, "FREE")                      \
    X(HUGEPAGE, 14, "HUGEPAGE")             \
    X(NOHUGEPAGE, 15, "NOHUGEPAGE")         \
    X(COLLAPSE, 25, "COLLAPSE")             \
    X(COLD, 20, "COLD")                     \
    X(PAGEOUT, 21, "PAGEOUT")               \
    X(POPULATE_READ, 22, "POPULATE_READ")   \
    X(POPULATE_WRITE, 23, "POPULATE_WRITE") \
    X(WILLNEED, 3, "WILLNEED")              \
    X(REMOVE, 9, "REMOVE")                  \
    X(DONTFORK, 10, "DONTFORK")             \
    X(DONTDUMP, 16, "DONTDUMP")             \
    X(OTHER, -2, "other")

enum advice {
#define X(id, value, name) ADVICE_##id,
    GPW_ADVICES(X)
#undef X
        ADVICE_COUNT
};

_Static_assert(ADVICE_COUNT <= 16, "the shadow table stores an advice in 4 bits");

#endif
