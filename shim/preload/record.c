/* SPDX-License-Identifier: Apache-2.0
 *
 * Recording a memory call. Hook path: atomics and the shadow table.
 */
#include "preload/record.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "memory/raw.h"
#include "memory/units.h"
#include "memory/clock.h"
#include "preload/shim.h"

/* malloc.go:persistentChunkSize: what every Go runtime maps first */
enum { FIRST_MMAP_BYTES = 256 << 10 };

/* The word at a stack pointer of the calling thread. */
static uintptr_t word_at(uintptr_t stack_pointer)
{
    return *(const uintptr_t *)stack_pointer;
}

static bool is_watching(void)
{
    return atomic_load_explicit(&gpw_shim.state, memory_order_acquire) == SHIM_WATCHING;
}

static bool looks_like_first_mmap(const struct mmap_call *call)
{
    return call->bytes == FIRST_MMAP_BYTES && call->wanted == 0 && call->fd == -1 &&
           call->protection == (PROT_READ | PROT_WRITE) && call->flags == (MAP_PRIVATE | MAP_ANONYMOUS);
}

/* The runtime whose image holds the caller, or NULL. */
static struct watched_runtime *runtime_of(uintptr_t caller)
{
    struct watched_runtime *runtime;
    for (uint32_t at = 0; (runtime = shim_next_runtime(&at)) != NULL;) {
        if (caller >= runtime->found.image_start && caller < runtime->found.image_end)
            return runtime;
    }
    return NULL;
}

/* The runtime calls mmap from one place (x_cgo_mmap); C code in the same module from others. The place is learned from
 * the runtime's very first call; until then all of the module counts as the runtime, and early_mmaps_close puts right
 * what was somebody else's. */
static enum shadow_origin origin_of(const struct mmap_call *call)
{
    const struct watched_runtime *runtime = runtime_of(call->caller);
    if (runtime == NULL)
        return ORIGIN_C;
    uintptr_t learned = atomic_load_explicit(&runtime->mmap_caller, memory_order_relaxed);
    return learned == 0 || learned == call->caller ? ORIGIN_GO : ORIGIN_C;
}

static bool is_learned(const struct mmap_call *call)
{
    const struct watched_runtime *runtime = runtime_of(call->caller);
    return runtime != NULL && atomic_load_explicit(&runtime->mmap_caller, memory_order_relaxed) == call->caller;
}

/* Does the call come from the runtime, and not from C code in its module (a constructor, an allocator linked into it)?
 * cgo's own function calls mmap, and is called by runtime.callCgoMmap alone (runtime/cgo/gcc_mmap.c, a frame of 8 bytes
 * as gcc compiles it in go1.19 to 1.27, in all forms). So a return address into that stands in the first words above
 * our caller's; they may end with the thread's stack. Where the function is not known every caller is believed. */
__attribute__((noinline)) static bool is_called_by_go(const struct watched_runtime *runtime,
                                                      const struct mmap_call *call)
{
    enum { WORDS = 32, RECORD_WORDS = 2 };
    uintptr_t words[WORDS] = {0}, at = call->stack_pointer + RECORD_WORDS * sizeof words[0];
    if (runtime->found.call_mmap_end == 0)
        return true;
    struct iovec here = {words, sizeof words}, there = {(void *)at, sizeof words};
    long bytes = raw_syscall6(SYS_process_vm_readv, raw_getpid(), (long)&here, 1, (long)&there, 1, 0);
    if (raw_failed(bytes)) { /* seccomp: what is on our own page can be read */
        uint64_t own_bytes = align_up(at, STACK_PAGE_BYTES) - at;
        bytes = (long)(own_bytes < sizeof words ? own_bytes : sizeof words);
        for (uint64_t i = 0; i < (uint64_t)bytes / sizeof words[0]; i++)
            words[i] = word_at(at + i * sizeof words[0]);
    }
    for (uint64_t i = 0; i < (uint64_t)bytes / sizeof words[0]; i++) {
        if (words[i] > runtime->found.call_mmap_start && words[i] < runtime->found.call_mmap_end)
            return true;
    }
    return false;
}

/* Does a Go runtime begin: one that is known already, or one in a library that was not looked at yet? */
static void notice_runtime(const struct mmap_call *call)
{
    uintptr_t not_learned = 0;
    struct watched_runtime *runtime = runtime_of(call->caller);
    if (runtime == NULL)
        runtime = shim_discover(call->caller);
    if (runtime != NULL && atomic_load_explicit(&runtime->mmap_caller, memory_order_relaxed) == 0 &&
        is_called_by_go(runtime, call) &&
        atomic_compare_exchange_strong(&runtime->mmap_caller, &not_learned, call->caller))
        shim_runtime_begins(runtime);
}

/* malloc.go:sysReserve: an arena is asked for at a hint, without access, in multiples of its size. The page summaries
 * are reserved likewise but at no hint. */
static bool is_arena_reservation(const struct mmap_call *call, uintptr_t start)
{
    return call->protection == PROT_NONE && call->wanted == start && start % GO_ARENA_BYTES == 0 &&
           call->bytes % GO_ARENA_BYTES == 0 && (call->flags & MAP_FIXED) == 0;
}

/* ---- who ---- */

/* From the runtime. In runtime.madvise its return address is at the stack pointer, and `frame` points to the frame
 * pointer of its caller. NULL: through libc; the runtime's own code between us and Go (x_cgo_mmap) has no frame, so
 * Go's frame pointer is the one that it had. */
static uint16_t site_of_go_call(const struct call_kind *kind, uintptr_t stack_pointer, const uintptr_t *frame)
{
    struct stacks *stacks = &gpw_shim.stacks;
    struct stack_slot *slot = stacks_claim(stacks, stack_pointer);
    if (slot == NULL)
        return CALLSITE_NONE;
    if (frame != NULL)
        slot->frames[slot->count++] = word_at(stack_pointer);
    stacks_add_go(stacks, slot, frame != NULL ? *frame : word_at(stack_pointer));
    uint16_t site = callsites_intern(&gpw_shim.callsites, kind, slot->frames, slot->count);
    stacks_release(slot);
    return site;
}

static uint16_t capture_c(const struct call_kind *kind, uintptr_t caller, uintptr_t stack_pointer, bool walks)
{
    struct stacks *stacks = &gpw_shim.stacks;
    struct stack_slot *slot = stacks_claim(stacks, stack_pointer);
    if (slot == NULL)
        return CALLSITE_NONE;
    stacks_add_c(stacks, slot, caller, word_at(stack_pointer), walks);
    uint16_t site = callsites_intern(&gpw_shim.callsites, kind, slot->frames, slot->count);
    stacks_release(slot);
    return site;
}

/* From C code at `caller`. An allocator's calls have that alone, all in one place; where it is linked into the program,
 * whose other calls cannot be told from its own, what called it is found without the unwinder. */
static uint16_t site_of_c_call(const struct call_kind *kind, uintptr_t caller, uintptr_t stack_pointer)
{
    const struct malloc_asker *asker = &gpw_shim.malloc_asker;
    bool is_allocators = malloc_asker_is_allocator(asker, caller), wants_c = gpw_shim.options.stacks == STACKS_ALL;
    if (is_allocators && (!asker->is_hook_in_program || !wants_c))
        return callsites_intern(&gpw_shim.callsites, kind, &caller, 1);
    if (!wants_c)
        return CALLSITE_NONE;
    uint64_t signals_before = stacks_block_signals();
    uint16_t site = capture_c(kind, caller, stack_pointer, !is_allocators);
    stacks_restore_signals(signals_before);
    return site;
}

static uint16_t site_of_libc_call(const struct call_kind *kind, uintptr_t caller, uintptr_t stack_pointer)
{
    return kind->by == ORIGIN_GO ? site_of_go_call(kind, stack_pointer, NULL)
                                 : site_of_c_call(kind, caller, stack_pointer);
}

/* What C mapped and is mapped no more is taken off the rows of those who mapped it. */
static void count_unmapped(uintptr_t start, uint64_t bytes)
{
    uintptr_t end;
    if (__builtin_add_overflow(start, bytes, &end))
        return;
    while (start < end) {
        struct shadow_entry entry;
        uintptr_t run_end = shadow_run(&gpw_shim.shadow, start, end, &entry);
        callsites_count_unmapped(&gpw_shim.callsites, entry.site, run_end - start);
        start = run_end;
    }
}

static void record_event(enum event_operation operation, enum shadow_origin by, uint16_t site, uintptr_t start,
                         uint64_t bytes, int detail, long result, uintptr_t stack_pointer, uint64_t ticks)
{
    int error = raw_failed(result) ? (int)-result : 0;
    callsites_count(&gpw_shim.callsites, site, bytes, error, ticks);
    struct event event = {
        .ticks = ticks,
        .stack_pointer = stack_pointer,
        .start = start,
        .bytes = bytes,
        .error = error,
        .site = site,
        .operation = (uint8_t)operation,
        .by = (uint8_t)by,
        .detail = (uint8_t)detail,
    };
    event_write(&gpw_shim.events, &event);
}

static bool is_anonymous(const struct mmap_call *call)
{
    return (call->flags & MAP_ANONYMOUS) != 0 && (call->flags & MAP_TYPE) == MAP_PRIVATE;
}

static void mark_mmap(const struct mmap_call *call, uintptr_t start, enum shadow_origin origin, uint16_t site)
{
    struct shadow *shadow = &gpw_shim.shadow;
    if ((call->flags & MAP_FIXED) != 0)
        count_unmapped(start, call->bytes);
    if (!is_anonymous(call))
        shadow_mark_unmapped(shadow, start, call->bytes);
    else if (origin == ORIGIN_GO && is_arena_reservation(call, start))
        shadow_mark_arena(shadow, start, call->bytes);
    else /* what C reserves without access is given access by mprotect, which nobody sees */
        shadow_mark_mapped(shadow, start, call->bytes, origin, origin == ORIGIN_C || call->protection != PROT_NONE,
                           site);
}

void record_mmap(const struct mmap_call *call, long result)
{
    if (looks_like_first_mmap(call) && !raw_failed(result))
        notice_runtime(call);
    uintptr_t start = raw_failed(result) ? call->wanted : (uintptr_t)result;
    if (is_anonymous(call) && !raw_failed(result) && !is_learned(call))
        early_mmaps_add(&gpw_shim.early_mmaps, start, call->bytes, call->protection, call->caller);
    if (!is_watching())
        return;
    if (stacks_is_unwinder(&gpw_shim.stacks, call->caller)) {
        if (!raw_failed(result))
            mark_mmap(call, start, ORIGIN_SHIM, CALLSITE_NONE);
        return;
    }
    enum shadow_origin origin = origin_of(call);
    const struct call_kind kind = {EVENT_MMAP, (uint8_t)origin, (uint8_t)call->protection};
    uint16_t site = is_anonymous(call) ? site_of_libc_call(&kind, call->caller, call->stack_pointer) : CALLSITE_NONE;
    if (!raw_failed(result))
        mark_mmap(call, start, origin, site);
    record_event(EVENT_MMAP, origin, site, start, call->bytes, call->protection, result, call->stack_pointer,
                 clock_ticks());
}

/* What the kernel refuses without looking (mm/mmap.c:do_vmi_munmap). */
static bool is_refused(const struct munmap_call *call)
{
    return call->start % (GO_PAGE_BYTES / 2) != 0 || call->bytes == 0;
}

void record_munmap_begins(struct munmap_call *call)
{
    if (!is_watching())
        return;
    /* The runtime unmaps what it mapped. */
    struct shadow_entry entry = shadow_look_up(&gpw_shim.shadow, call->start);
    call->by = entry.origin[call->start % GO_PAGE_BYTES != 0] == ORIGIN_GO ? ORIGIN_GO : ORIGIN_C;
    if (is_refused(call))
        return;
    count_unmapped(call->start, call->bytes);
    shadow_mark_unmapped(&gpw_shim.shadow, call->start, call->bytes);
}

void record_munmap_ended(const struct munmap_call *call, long result)
{
    if (!is_watching())
        return;
    if (raw_failed(result) && !is_refused(call)) /* rare: too many mappings; what was known of the range is lost */
        atomic_fetch_add_explicit(&gpw_shim.shadow.ranges_untracked, 1, memory_order_relaxed);
    record_event(EVENT_MUNMAP, call->by, CALLSITE_NONE, call->start, call->bytes, 0, result, call->stack_pointer,
                 clock_ticks());
}

/* An address that is no page's is refused without looking (mm/mremap.c). */
static bool old_range_stays(const struct mremap_call *call)
{
    return (call->flags & MREMAP_DONTUNMAP) != 0 || call->old_start % (GO_PAGE_BYTES / 2) != 0;
}

static void keep_runs(struct mremap_call *call)
{
    uintptr_t start = call->old_start, end;
    if (__builtin_add_overflow(start, call->old_bytes, &end))
        return;
    while (start < end && call->runs_count < MREMAP_RUNS_MAX) {
        struct shadow_entry entry;
        uintptr_t run_end = shadow_run(&gpw_shim.shadow, start, end, &entry);
        call->runs[call->runs_count++] = (struct mremap_run){run_end - start, entry.site, (uint8_t)entry.origin[0]};
        start = run_end;
    }
    call->has_more_runs = start < end;
}

static void restore_runs(const struct mremap_call *call)
{
    uintptr_t start = call->old_start;
    for (uint32_t i = 0; i < call->runs_count; i++) {
        const struct mremap_run *run = &call->runs[i];
        callsites_count_kept(&gpw_shim.callsites, run->site, run->bytes);
        if (run->origin != ORIGIN_UNKNOWN)
            shadow_mark_mapped(&gpw_shim.shadow, start, run->bytes, (enum shadow_origin)run->origin, true, run->site);
        start += run->bytes;
    }
    if (call->has_more_runs)
        atomic_fetch_add_explicit(&gpw_shim.shadow.ranges_untracked, 1, memory_order_relaxed);
}

void record_mremap_begins(struct mremap_call *call)
{
    if (!is_watching())
        return;
    call->origin = shadow_look_up(&gpw_shim.shadow, call->old_start).origin[call->old_start % GO_PAGE_BYTES != 0];
    if (old_range_stays(call))
        return;
    keep_runs(call);
    count_unmapped(call->old_start, call->old_bytes);
    shadow_mark_unmapped(&gpw_shim.shadow, call->old_start, call->old_bytes);
}

void record_mremap_ended(const struct mremap_call *call, long result)
{
    if (!is_watching())
        return;
    bool has_failed = raw_failed(result);
    uintptr_t start = has_failed ? call->old_start : (uintptr_t)result;
    uint64_t bytes = has_failed ? call->old_bytes : call->new_bytes;
    const struct call_kind kind = {EVENT_MREMAP, ORIGIN_C, 0};
    uint16_t site = site_of_libc_call(&kind, call->caller, call->stack_pointer);
    if (has_failed)
        restore_runs(call);
    else if (call->origin != ORIGIN_UNKNOWN)
        shadow_mark_mapped(&gpw_shim.shadow, start, bytes, call->origin, true, site);
    record_event(EVENT_MREMAP, ORIGIN_C, site, start, bytes, 0, result, call->stack_pointer, clock_ticks());
}

static enum advice advice_of(int value)
{
    switch (value) {
#define X(id, number, name) \
    case number:            \
        return ADVICE_##id;
        GPW_ADVICES(X)
#undef X
    default:
        break;
    }
    return ADVICE_OTHER;
}

static void record_madvise(enum caller caller, uintptr_t start, uint64_t bytes, enum advice advice, long result,
                           uint16_t site, uintptr_t stack_pointer)
{
    struct advice_counter *counter = &gpw_shim.advices[caller][advice];
    uint64_t ticks = clock_ticks();
    atomic_fetch_add_explicit(&counter->calls, 1, memory_order_relaxed);
    if (raw_failed(result)) {
        atomic_fetch_add_explicit(&counter->errors, 1, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&counter->bytes, bytes, memory_order_relaxed);
        shadow_mark_advised(&gpw_shim.shadow, start, bytes, advice, ticks);
    }
    record_event(EVENT_MADVISE, caller == CALLER_GO ? ORIGIN_GO : ORIGIN_C, site, start, bytes, (int)advice, result,
                 stack_pointer, ticks);
}

void record_c_madvise(uintptr_t start, uint64_t bytes, int advice, long result, uintptr_t caller,
                      uintptr_t stack_pointer)
{
    if (!is_watching())
        return;
    const struct call_kind kind = {EVENT_MADVISE, ORIGIN_C, (uint8_t)advice_of(advice)};
    uint16_t site = site_of_libc_call(&kind, caller, stack_pointer);
    record_madvise(CALLER_C, start, bytes, advice_of(advice), result, site, stack_pointer);
}

void record_go_madvise(uintptr_t start, uint64_t bytes, int32_t advice, int32_t result, uintptr_t stack_pointer,
                       uintptr_t frame)
{
    if (!is_watching())
        return;
    const struct call_kind kind = {EVENT_MADVISE, ORIGIN_GO, (uint8_t)advice_of(advice)};
    uint16_t site = site_of_go_call(&kind, stack_pointer, &frame);
    record_madvise(CALLER_GO, start, bytes, advice_of(advice), result, site, stack_pointer);
}
