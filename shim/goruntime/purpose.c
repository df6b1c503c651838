/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions and what they stand for.
 */
#include "goruntime/purpose.h"

#include <stddef.h>

/* The innermost function that is in this list counts: what is given back for an allocation that happens to be made by
 * FreeOSMemory was not forced, in Go's own accounts neither.
 * Every caller of sysAlloc, sysReserve and mmap itself on linux, go1.17 to go1.27: mgcscavenge.go, mheap.go,
 * mpagealloc.go, malloc.go, mprof.go, iface.go, netpoll.go, tracebuf.go, heapdump.go, stack.go ...; not all versions
 * have all. Not among them: what only a runtime built for debugging has (debuglog.go). */
static const struct {
    const char *name;
    bool is_of_release;
    bool is_last_resort;
    enum go_purpose purpose;
} FUNCTIONS[] = {
    /* Up to go1.20 the function that switched stacks, freeOSMemory, has no frame. */
    {"runtime/debug.freeOSMemory", true, false, PURPOSE_FORCED},
    {"runtime/debug.FreeOSMemory", true, false, PURPOSE_FORCED},
    {"runtime.(*mheap).scavengeAll", true, false, PURPOSE_FORCED},
    {"runtime.bgscavenge", true, false, PURPOSE_BACKGROUND},
    {"runtime.(*mheap).grow", true, false, PURPOSE_GROWTH},
    {"runtime.(*mheap).allocSpan", true, false, PURPOSE_EAGER},
    {"runtime.(*mheap).allocUserArenaChunk", true, false, PURPOSE_GROWTH},

    {"runtime.recordspan", false, false, PURPOSE_SPAN_TABLE},
    {"runtime.(*fixalloc).alloc", false, false, PURPOSE_SPAN_STRUCTS},
    {"runtime.(*pageAlloc).sysGrow", false, false, PURPOSE_PAGE_SUMMARY},
    {"runtime.(*pageAlloc).sysInit", false, false, PURPOSE_PAGE_SUMMARY},
    {"runtime.(*pageAlloc).grow", false, false, PURPOSE_PAGE_SUMMARY},
    {"runtime.(*pageAlloc).init", false, false, PURPOSE_PAGE_SUMMARY},
    {"runtime.(*scavengeIndex).sysGrow", false, false, PURPOSE_SCAVENGE_INDEX},
    {"runtime.(*scavengeIndex).sysInit", false, false, PURPOSE_SCAVENGE_INDEX},
    {"runtime.(*scavengeIndex).init", false, false, PURPOSE_SCAVENGE_INDEX},
    {"runtime.(*scavengeIndex).grow", false, false, PURPOSE_SCAVENGE_INDEX},
    {"runtime.newArenaMayUnlock", false, false, PURPOSE_GC_BITS},
    {"runtime.newMarkBits", false, false, PURPOSE_GC_BITS},
    {"runtime.stkbucket", false, false, PURPOSE_PROFILE_BUCKETS},
    {"runtime.newBucket", false, false, PURPOSE_PROFILE_BUCKETS},
    {"runtime.(*traceAlloc).alloc", false, false, PURPOSE_TRACE}, /* to go1.22 */
    {"runtime.traceFlush", false, false, PURPOSE_TRACE},
    {"runtime.(*traceRegionAlloc).alloc", false, false, PURPOSE_TRACE}, /* from go1.22 on */
    {"runtime.traceWriter.refill", false, false, PURPOSE_TRACE},
    {"runtime.makeheapobjbv", false, false, PURPOSE_HEAP_DUMP},
    {"runtime.stackalloc", false, false, PURPOSE_STACKS}, /* GODEBUG=efence=1; else they are spans */
    {"runtime.stackfree", false, false, PURPOSE_STACKS},  /* the same, to go1.22 */
    {"runtime.newosproc0", false, false, PURPOSE_STACKS},
    {"runtime.vgetrandomGetState", false, false, PURPOSE_RANDOM_STATES},
    {"runtime.itabAdd", false, false, PURPOSE_INTERFACE_TABLES},
    {"runtime.getitab", false, false, PURPOSE_INTERFACE_TABLES},
    {"runtime.(*pollCache).alloc", false, false, PURPOSE_POLL},
    {"runtime.(*mheap).sysAlloc", false, false, PURPOSE_ARENA},
    {"runtime.(*mheap).grow", false, false, PURPOSE_ARENA},
    {"runtime.(*mheap).allocUserArenaChunk", false, false, PURPOSE_ARENA},
    {"runtime.(*mspan).setUserArenaChunkToFault", false, false, PURPOSE_ARENA}, /* to go1.22 */
    /* Maps what is mapped already, to take it or to give it back. */
    {"runtime.(*mheap).allocSpan", false, false, PURPOSE_HARD_DECOMMIT},
    {"runtime.(*pageAlloc).scavengeOne", false, false, PURPOSE_HARD_DECOMMIT},
    {"runtime.(*pageAlloc).scavengeRangeLocked", false, false, PURPOSE_HARD_DECOMMIT}, /* go1.18 */
    {"runtime.newSpanSPMC", false, false, PURPOSE_MARK_QUEUES},
    {"runtime.persistentalloc", false, true, PURPOSE_PERSISTENT},
    {"runtime.persistentalloc1", false, true, PURPOSE_PERSISTENT},
    {"runtime.mallocinit", false, true, PURPOSE_START},
    {"runtime.schedinit", false, true, PURPOSE_START},
};

enum { FUNCTIONS_COUNT = sizeof FUNCTIONS / sizeof FUNCTIONS[0] };

_Static_assert(sizeof FUNCTIONS / sizeof FUNCTIONS[0] <= PURPOSE_FUNCTIONS_MAX, "each has its range");

void purposes_find(struct go_purposes *purposes, const struct go_runtime *runtime, struct reader *reader, void *scratch)
{
    struct elf_image image;
    if (purposes->is_found || !runtime->has_pclntab || !elf_image_read(&image, reader, runtime->image_start))
        return;
    const char *names[FUNCTIONS_COUNT];
    for (int i = 0; i < FUNCTIONS_COUNT; i++)
        names[i] = FUNCTIONS[i].name;
    pclntab_lookup_all(&runtime->pclntab, &image, names, FUNCTIONS_COUNT, purposes->functions, scratch,
                       RUNTIME_FIND_SCRATCH_BYTES);
    purposes->is_found = true;
}

/* Return addresses: the call may be a function's last instruction. */
static bool is_in(const struct go_purposes *purposes, int function, uintptr_t pc)
{
    return pc > purposes->functions[function].start && pc <= purposes->functions[function].end;
}

/* The innermost function that is in the list; of those that are a last resort only where there is no other. */
static enum go_purpose purpose_by(const struct go_purposes *purposes, bool is_release, const uintptr_t *frames,
                                  uint32_t frames_count)
{
    enum go_purpose last_resort = PURPOSE_UNKNOWN;
    for (uint32_t i = 0; i < frames_count; i++) {
        for (int function = 0; function < FUNCTIONS_COUNT; function++) {
            if (FUNCTIONS[function].is_of_release != is_release || !is_in(purposes, function, frames[i]))
                continue;
            if (!FUNCTIONS[function].is_last_resort)
                return FUNCTIONS[function].purpose;
            if (last_resort == PURPOSE_UNKNOWN)
                last_resort = FUNCTIONS[function].purpose;
        }
    }
    return last_resort;
}

enum go_purpose purpose_of(const struct go_purposes *purposes, enum purpose_call call, const uintptr_t *frames,
                           uint32_t frames_count)
{
    switch (call) {
    case PURPOSE_OF_RELEASE:
        return purpose_by(purposes, true, frames, frames_count);
    case PURPOSE_OF_MAPPING:
        return purpose_by(purposes, false, frames, frames_count);
    case PURPOSE_OF_OTHER_ADVICE:
        break;
    }
    return PURPOSE_HUGE_PAGES;
}

const char *purpose_word(enum go_purpose purpose)
{
    static const char *const WORDS[PURPOSE_COUNT] = {
#define X(id, word) [PURPOSE_##id] = (word),
        GPW_PURPOSES(X)
#undef X
    };
    return WORDS[purpose];
}
