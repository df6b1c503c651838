/* SPDX-License-Identifier: Apache-2.0
 *
 * Why the Go runtime asked for memory or gave it back: by the functions of its own on the stack of the call.
 *
 * A function's name stands for a purpose. Their addresses are looked up once in the function table, so that a stack is
 * judged by comparing numbers.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_GORUNTIME_PURPOSE_H
#define GPW_GORUNTIME_PURPOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/runtime_find.h"

/* X(identifier, word): FORCED to EAGER are of memory that is given back, HUGE_PAGES of other advice, those from ARENA
 * on of mappings. */
#define GPW_PURPOSES(X)                           \
    X(UNKNOWN, "other")                           \
    X(FORCED, "FreeOSMemory")                     \
    X(BACKGROUND, "background scavenger")         \
    X(GROWTH, "heap growth")                      \
    X(EAGER, "allocation over the limit or goal") \
    X(HUGE_PAGES, "huge pages")                   \
    X(ARENA, "arenas")                            \
    X(SPAN_TABLE, "span table")                   \
    X(SPAN_STRUCTS, "span structs")               \
    X(PAGE_SUMMARY, "page summary")               \
    X(SCAVENGE_INDEX, "scavenge index")           \
    X(GC_BITS, "GC bits")                         \
    X(MARK_QUEUES, "mark queues")                 \
    X(PROFILE_BUCKETS, "profile buckets")         \
    X(TRACE, "trace buffers")                     \
    X(HEAP_DUMP, "heap dump")                     \
    X(STACKS, "stacks")                           \
    X(RANDOM_STATES, "random states")             \
    X(HARD_DECOMMIT, "harddecommit")              \
    X(INTERFACE_TABLES, "interface tables")       \
    X(POLL, "poll descriptors")                   \
    X(START, "start of the runtime")              \
    X(PERSISTENT, "small tables")

enum go_purpose {
#define X(id, word) PURPOSE_##id,
    GPW_PURPOSES(X)
#undef X
        PURPOSE_COUNT
};

enum { PURPOSE_FUNCTIONS_MAX = 48 };

struct go_purposes {
    bool is_found; /* the table was looked through */
    struct pclntab_range functions[PURPOSE_FUNCTIONS_MAX];
};

/* Looks the functions up, once. `scratch` holds RUNTIME_FIND_SCRATCH_BYTES. */
void purposes_find(struct go_purposes *purposes, const struct go_runtime *runtime, struct reader *reader,
                   void *scratch);

/* What was called: mmap; madvise that gives memory back; any other advice, which is about huge pages. */
enum purpose_call { PURPOSE_OF_MAPPING, PURPOSE_OF_RELEASE, PURPOSE_OF_OTHER_ADVICE };

/* Return addresses, innermost first. */
enum go_purpose purpose_of(const struct go_purposes *purposes, enum purpose_call call, const uintptr_t *frames,
                           uint32_t frames_count);

const char *purpose_word(enum go_purpose purpose);

#endif
