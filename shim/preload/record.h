/* SPDX-License-Identifier: Apache-2.0
 *
 * What the hooks write down: the shadow table, the counters, the event ring.
 *
 * Allowed context: hook. Each returns at once unless the shim is watching.
 */
#ifndef GPW_PRELOAD_RECORD_H
#define GPW_PRELOAD_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/shadow.h"

struct mmap_call {
    uintptr_t wanted; /* the address argument */
    uint64_t bytes;
    int protection, flags, fd;
    int64_t offset;
    uintptr_t caller;        /* return address */
    uintptr_t stack_pointer; /* of the hook's frame: what lies there is the caller's frame pointer */
};

/* After the system call; `result` is the address or -errno. */
void record_mmap(const struct mmap_call *call, long result);

struct munmap_call {
    uintptr_t start;
    uint64_t bytes;
    uintptr_t stack_pointer;
    enum shadow_origin by; /* set by record_munmap_begins */
};

/* Before the system call the range is forgotten, so that another thread's use of the same addresses cannot come first.
 * After it, `result` is 0 or -errno. */
void record_munmap_begins(struct munmap_call *call);
void record_munmap_ended(const struct munmap_call *call, long result);

/* What was known of a part of the old range. */
struct mremap_run {
    uint64_t bytes;
    uint16_t site;
    uint8_t origin; /* enum shadow_origin */
};

enum { MREMAP_RUNS_MAX = 4 };

struct mremap_call {
    uintptr_t old_start;
    uint64_t old_bytes, new_bytes;
    int flags;
    uintptr_t caller, stack_pointer; /* as in mmap_call */
    /* Set by record_mremap_begins: what was forgotten of the old range, from its start. */
    struct mremap_run runs[MREMAP_RUNS_MAX];
    uint32_t runs_count;
    bool has_more_runs;
    enum shadow_origin origin; /* of its first page */
};

/* Before the system call: the old range is forgotten, unless it stays. */
void record_mremap_begins(struct mremap_call *call);
/* After it: what is mapped now is marked. If the call failed, as growing in place may at any time, what was forgotten
 * is known again. `result` is the address or -errno. */
void record_mremap_ended(const struct mremap_call *call, long result);

/* After madvise through libc; `result` is 0 or -errno. */
void record_c_madvise(uintptr_t start, uint64_t bytes, int advice, long result, uintptr_t caller,
                      uintptr_t stack_pointer);

/* After runtime.madvise's system call. Called by the stub on a stack of the shim: general registers only. The return
 * address is at `stack_pointer`, `frame` is the caller's frame pointer. */
void record_go_madvise(uintptr_t start, uint64_t bytes, int32_t advice, int32_t result, uintptr_t stack_pointer,
                       uintptr_t frame);

#endif
