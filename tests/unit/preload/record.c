/* SPDX-License-Identifier: Apache-2.0
 *
 * What a memory call leaves in the books: who made it, what the pages become, and that nothing is written while nobody
 * watches.
 */
#include "preload/record.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/support/watching.h"

#define ARENA UINT64_C(0xc000000000)
#define ELSEWHERE UINT64_C(0x7f0000000000)

enum { IN_RUNTIME = 0x401000, IN_SAME_MODULE = 0x402000, IN_C = 0x700000, ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS };

/* A Go runtime whose mmap is called from IN_RUNTIME, as it was learned from its first call. */
static void watch_a_runtime(void)
{
    watching_begin();
    gpw_shim.runtimes[0].found.image_start = 0x400000;
    gpw_shim.runtimes[0].found.image_end = 0x500000;
    atomic_store(&gpw_shim.runtimes[0].mmap_caller, IN_RUNTIME);
    atomic_store(&gpw_shim.runtimes[0].claimed_for, 0x400000);
    atomic_store(&gpw_shim.runtimes[0].is_watched, 1);
}

TestSuite(record, .init = watch_a_runtime);

static void do_mmap(uintptr_t caller, uintptr_t wanted, uint64_t bytes, int protection, int flags, long result)
{
    const struct mmap_call call = {
        .wanted = wanted, .bytes = bytes, .protection = protection, .flags = flags, .fd = -1, .caller = caller};
    record_mmap(&call, result);
}

static struct shadow_entry look_up(uintptr_t address)
{
    return shadow_look_up(&gpw_shim.shadow, address);
}

Test(record, mmap_marks_the_memory_of_its_caller)
{
    static const struct {
        uintptr_t caller;
        int protection, flags;
        enum shadow_origin origin;
    } CASES[] = {
        {IN_RUNTIME, PROT_READ | PROT_WRITE, ANONYMOUS, ORIGIN_GO},
        {IN_SAME_MODULE, PROT_READ | PROT_WRITE, ANONYMOUS, ORIGIN_C},
        {IN_C, PROT_READ | PROT_WRITE, ANONYMOUS, ORIGIN_C},
        {IN_C, PROT_NONE, ANONYMOUS, ORIGIN_C},         /* it may be given access later */
        {IN_C, PROT_READ, MAP_PRIVATE, ORIGIN_UNKNOWN}, /* a file */
        {IN_C, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, ORIGIN_UNKNOWN},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        shadow_mark_mapped(&gpw_shim.shadow, ELSEWHERE, GO_PAGE_BYTES, ORIGIN_LOADER, true, 0);
        do_mmap(CASES[i].caller, 0, GO_PAGE_BYTES, CASES[i].protection, CASES[i].flags, ELSEWHERE);
        cr_expect_eq(look_up(ELSEWHERE).origin[0], CASES[i].origin, "case %u", i);
        cr_expect_eq(look_up(ELSEWHERE).state, STATE_PLAIN, "case %u", i);
        struct event event = watching_last_event();
        cr_expect_eq(event.operation, EVENT_MMAP);
        cr_expect_eq(event.by, CASES[i].caller == IN_RUNTIME ? ORIGIN_GO : ORIGIN_C);
        cr_expect_eq(event.start, ELSEWHERE);
        cr_expect_eq(event.detail, CASES[i].protection);
    }
}

Test(record, until_the_runtimes_place_is_learned_its_whole_module_counts_as_the_runtime)
{
    atomic_store(&gpw_shim.runtimes[0].mmap_caller, 0);
    do_mmap(IN_SAME_MODULE, 0, GO_PAGE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, ELSEWHERE);
    cr_expect_eq(look_up(ELSEWHERE).origin[0], ORIGIN_GO);
    do_mmap(IN_C, 0, GO_PAGE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, ELSEWHERE);
    cr_expect_eq(look_up(ELSEWHERE).origin[0], ORIGIN_C);
}

/* What our caller's stack may look like: our record, then its frame, then the return address to its caller. */
static void do_first_mmap(uintptr_t caller, unsigned frame_words, uintptr_t called_from)
{
    uintptr_t stack[64] = {0};
    stack[1] = caller;
    stack[2 + frame_words] = called_from;
    const struct mmap_call call = {.bytes = 256 << 10,
                                   .protection = PROT_READ | PROT_WRITE,
                                   .flags = ANONYMOUS,
                                   .fd = -1,
                                   .caller = caller,
                                   .stack_pointer = (uintptr_t)stack};
    record_mmap(&call, ELSEWHERE);
}

Test(record, the_runtimes_place_is_learned_from_the_runtime_alone)
{
    struct watched_runtime *runtime = &gpw_shim.runtimes[0];
    atomic_store(&runtime->mmap_caller, 0);
    runtime->found.call_mmap_start = 0x480000;
    runtime->found.call_mmap_end = 0x480060;
    do_first_mmap(IN_SAME_MODULE, 1, 0x470000); /* a constructor of C */
    do_first_mmap(IN_SAME_MODULE, 1, 0x480000); /* a function's address is no return into it */
    do_first_mmap(IN_SAME_MODULE, 40, 0x480038);
    do_first_mmap(IN_C, 1, 0x480038);
    cr_expect_eq(atomic_load(&runtime->mmap_caller), 0);
    cr_expect_eq(atomic_load(&gpw_shim.has_runtime_begun), 0);
    do_first_mmap(IN_RUNTIME, 1, 0x480038);
    cr_expect_eq(atomic_load(&runtime->mmap_caller), IN_RUNTIME);
    cr_expect_eq(atomic_load(&gpw_shim.has_runtime_begun), 1);
    do_first_mmap(IN_SAME_MODULE, 1, 0x480038);
    cr_expect_eq(atomic_load(&runtime->mmap_caller), IN_RUNTIME, "once");
}

Test(record, where_the_runtimes_caller_is_not_known_the_first_is_believed)
{
    atomic_store(&gpw_shim.runtimes[0].mmap_caller, 0);
    do_first_mmap(IN_RUNTIME, 1, 0);
    cr_expect_eq(atomic_load(&gpw_shim.runtimes[0].mmap_caller), IN_RUNTIME);
}

/* The words above end with the stack, or with what may be read. */
Test(record, a_caller_at_the_top_of_its_stack_is_looked_at_no_further)
{
    uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(pages, MAP_FAILED);
    cr_assert_eq(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    atomic_store(&gpw_shim.runtimes[0].mmap_caller, 0);
    gpw_shim.runtimes[0].found.call_mmap_start = 0x480000;
    gpw_shim.runtimes[0].found.call_mmap_end = 0x480060;
    struct mmap_call call = {.bytes = 256 << 10,
                             .protection = PROT_READ | PROT_WRITE,
                             .flags = ANONYMOUS,
                             .fd = -1,
                             .caller = IN_SAME_MODULE,
                             .stack_pointer = (uintptr_t)pages + 4096 - 24};
    record_mmap(&call, ELSEWHERE);
    cr_expect_eq(atomic_load(&gpw_shim.runtimes[0].mmap_caller), 0);
    call.stack_pointer -= 16;
    *(uintptr_t *)(pages + 4096 - 8) = 0x480038;
    record_mmap(&call, ELSEWHERE);
    cr_expect_eq(atomic_load(&gpw_shim.runtimes[0].mmap_caller), IN_SAME_MODULE);
}

Test(record, an_arena_is_a_reservation_at_a_hint_in_whole_arenas)
{
    static const struct {
        uintptr_t caller, wanted, result;
        uint64_t bytes;
        int protection, flags;
        bool is_arena;
    } CASES[] = {
        {IN_RUNTIME, ARENA, ARENA, GO_ARENA_BYTES, PROT_NONE, ANONYMOUS, true},
        {IN_RUNTIME, ARENA, ARENA, 2ull * GO_ARENA_BYTES, PROT_NONE, ANONYMOUS, true},
        {IN_C, ARENA, ARENA, GO_ARENA_BYTES, PROT_NONE, ANONYMOUS, false},
        {IN_RUNTIME, 0, ARENA, GO_ARENA_BYTES, PROT_NONE, ANONYMOUS, false},                      /* page summaries */
        {IN_RUNTIME, ARENA, ARENA + GO_ARENA_BYTES, GO_ARENA_BYTES, PROT_NONE, ANONYMOUS, false}, /* hint not taken */
        {IN_RUNTIME, ARENA, ARENA, 8 << 20, PROT_NONE, ANONYMOUS, false},
        {IN_RUNTIME, ARENA + 4096, ARENA + 4096, GO_ARENA_BYTES, PROT_NONE, ANONYMOUS, false},
        {IN_RUNTIME, ARENA, ARENA, GO_ARENA_BYTES, PROT_READ, ANONYMOUS, false},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        shadow_mark_unmapped(&gpw_shim.shadow, ARENA, 4ull * GO_ARENA_BYTES);
        do_mmap(CASES[i].caller, CASES[i].wanted, CASES[i].bytes, CASES[i].protection, CASES[i].flags,
                (long)CASES[i].result);
        cr_expect_eq(look_up(CASES[i].result).state == STATE_RESERVED, CASES[i].is_arena, "case %u", i);
    }
    /* Put to use, and given back the hard way. */
    shadow_mark_arena(&gpw_shim.shadow, ARENA, GO_ARENA_BYTES);
    do_mmap(IN_RUNTIME, ARENA, 4 << 20, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_FIXED, ARENA);
    cr_expect_eq(look_up(ARENA).state, STATE_MAPPED);
    do_mmap(IN_RUNTIME, ARENA, GO_PAGE_BYTES, PROT_NONE, ANONYMOUS | MAP_FIXED, ARENA);
    cr_expect_eq(look_up(ARENA).state, STATE_RELEASED);
    cr_expect_eq(look_up(ARENA + (4 << 20)).state, STATE_RESERVED);
}

Test(record, a_failed_mmap_changes_nothing_and_is_an_event)
{
    shadow_mark_mapped(&gpw_shim.shadow, ARENA, GO_PAGE_BYTES, ORIGIN_LOADER, true, 0);
    do_mmap(IN_RUNTIME, ARENA, GO_PAGE_BYTES, PROT_READ, ANONYMOUS | MAP_FIXED, -ENOMEM);
    cr_expect_eq(look_up(ARENA).origin[0], ORIGIN_LOADER);
    cr_expect_eq(watching_last_event().error, ENOMEM);
    cr_expect_eq(watching_last_event().start, ARENA);
}

Test(record, munmap_forgets_before_the_call_and_only_what_the_kernel_takes)
{
    shadow_mark_mapped(&gpw_shim.shadow, ELSEWHERE, 4 * GO_PAGE_BYTES, ORIGIN_GO, true, 0);
    struct munmap_call refused[] = {{.start = ELSEWHERE + 1, .bytes = GO_PAGE_BYTES}, {.start = ELSEWHERE}};
    for (int i = 0; i < 2; i++) {
        record_munmap_begins(&refused[i]);
        record_munmap_ended(&refused[i], -EINVAL);
        cr_expect_eq(look_up(ELSEWHERE).origin[0], ORIGIN_GO);
        cr_expect_eq(watching_last_event().error, EINVAL);
    }
    struct munmap_call call = {.start = ELSEWHERE, .bytes = GO_PAGE_BYTES};
    record_munmap_begins(&call);
    cr_expect_eq(look_up(ELSEWHERE).origin[0], ORIGIN_UNKNOWN, "at once");
    record_munmap_ended(&call, 0);
    cr_expect_eq(watching_last_event().operation, EVENT_MUNMAP);
    cr_expect_eq(watching_last_event().by, ORIGIN_GO, "the runtime unmaps what it mapped");
    cr_expect_eq(look_up(ELSEWHERE + GO_PAGE_BYTES).origin[0], ORIGIN_GO);
    cr_expect_eq(atomic_load(&gpw_shim.shadow.ranges_untracked), 0);
    record_munmap_begins(&call);
    record_munmap_ended(&call, -ENOMEM);
    cr_expect_eq(atomic_load(&gpw_shim.shadow.ranges_untracked), 1, "what was known is lost, and that is counted");
}

Test(record, mremap_moves_what_is_known)
{
    const uintptr_t there = ELSEWHERE + GO_ARENA_BYTES;
    static const struct {
        int flags;
        long result; /* 0: `there` */
        enum shadow_origin here, there;
    } CASES[] = {
        {MREMAP_MAYMOVE, 0, ORIGIN_UNKNOWN, ORIGIN_C},
        {MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, ORIGIN_C, ORIGIN_C},
        {MREMAP_MAYMOVE, -ENOMEM, ORIGIN_C, ORIGIN_UNKNOWN},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct mremap_call call = {
            .old_start = ELSEWHERE, .old_bytes = GO_PAGE_BYTES, .new_bytes = GO_PAGE_BYTES, .flags = CASES[i].flags};
        shadow_mark_unmapped(&gpw_shim.shadow, there, GO_PAGE_BYTES);
        shadow_mark_mapped(&gpw_shim.shadow, ELSEWHERE, GO_PAGE_BYTES, ORIGIN_C, true, 0);
        record_mremap_begins(&call);
        record_mremap_ended(&call, CASES[i].result == 0 ? (long)there : CASES[i].result);
        cr_expect_eq(look_up(ELSEWHERE).origin[0], CASES[i].here, "case %u", i);
        cr_expect_eq(look_up(there).origin[0], CASES[i].there, "case %u", i);
        cr_expect_eq(watching_last_event().operation, EVENT_MREMAP);
        cr_expect_eq(watching_last_event().error, (int32_t)-CASES[i].result);
    }
}

/* Growing in place fails whenever something lies behind. */
Test(record, a_failed_mremap_leaves_each_part_of_its_range_with_whom_it_was)
{
    enum { PARTS = 3 };
    struct shim *shim = &gpw_shim;
    uintptr_t nobodys_frame[2] = {0, 0};
    uint16_t sites[PARTS];
    shim->options.stacks = STACKS_ALL;
    cr_assert(callsites_open(&shim->callsites, &shim->region));
    cr_assert(stacks_open(&shim->stacks, &shim->region, false));
    for (uintptr_t i = 0; i < PARTS; i++) {
        const struct call_kind kind = {EVENT_MMAP, ORIGIN_C, PROT_READ};
        uintptr_t frame = IN_C + i;
        sites[i] = callsites_intern(&shim->callsites, &kind, &frame, 1);
        shadow_mark_mapped(&shim->shadow, ELSEWHERE + i * GO_PAGE_BYTES, GO_PAGE_BYTES, ORIGIN_C, true, sites[i]);
    }
    const uint64_t bytes = (uint64_t)PARTS * GO_PAGE_BYTES;
    struct mremap_call call = {.old_start = ELSEWHERE,
                               .old_bytes = bytes,
                               .new_bytes = 2 * bytes,
                               .caller = IN_C,
                               .stack_pointer = (uintptr_t)nobodys_frame};
    struct mremap_call staying = call, moving = call, torn = call;
    record_mremap_begins(&call);
    cr_expect_eq(look_up(ELSEWHERE).origin[0], ORIGIN_UNKNOWN, "another thread's use of the range may come first");
    record_mremap_ended(&call, -ENOMEM);
    staying.flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
    record_mremap_begins(&staying);
    record_mremap_ended(&staying, -ENOMEM);
    torn.old_start += 1;
    record_mremap_begins(&torn);
    record_mremap_ended(&torn, -EINVAL);
    for (uintptr_t i = 0; i < PARTS; i++) {
        struct shadow_entry entry = look_up(ELSEWHERE + i * GO_PAGE_BYTES);
        cr_expect_eq(entry.origin[0], ORIGIN_C, "part %zu", (size_t)i);
        cr_expect_eq(entry.site, sites[i], "part %zu", (size_t)i);
        cr_expect_eq(atomic_load(&shim->callsites.rows[sites[i]].unmapped_bytes), 0, "part %zu", (size_t)i);
    }
    cr_expect_eq(look_up(ELSEWHERE + bytes).origin[0], ORIGIN_UNKNOWN);
    record_mremap_begins(&moving);
    record_mremap_ended(&moving, (long)ELSEWHERE);
    uint16_t site = look_up(ELSEWHERE).site;
    cr_expect(site != sites[0] && look_up(ELSEWHERE + bytes).site == site, "it is the mremap's now");
    for (unsigned i = 0; i < PARTS; i++)
        cr_expect_eq(atomic_load(&shim->callsites.rows[sites[i]].unmapped_bytes), GO_PAGE_BYTES, "part %u", i);
    cr_expect_eq(atomic_load(&shim->callsites.rows[site].errors), 3);
    cr_expect_eq(atomic_load(&shim->callsites.rows[site].bytes), 2 * bytes);
    cr_expect_eq(atomic_load(&shim->shadow.ranges_untracked), 0);
}

Test(record, what_a_failed_mremap_has_lost_is_counted)
{
    struct shim *shim = &gpw_shim;
    for (uintptr_t i = 0; i < MREMAP_RUNS_MAX + 1; i++)
        shadow_mark_mapped(&shim->shadow, ELSEWHERE + i * GO_PAGE_BYTES, GO_PAGE_BYTES, ORIGIN_C, true,
                           (uint16_t)(i + 10));
    struct mremap_call call = {.old_start = ELSEWHERE, .old_bytes = UINT64_C(8) * GO_PAGE_BYTES, .new_bytes = 4096};
    record_mremap_begins(&call);
    record_mremap_ended(&call, -ENOMEM);
    cr_expect_eq(atomic_load(&shim->shadow.ranges_untracked), 1);
    cr_expect_eq(look_up(ELSEWHERE + (MREMAP_RUNS_MAX - 1) * UINT64_C(8192)).site, MREMAP_RUNS_MAX - 1 + 10);
    cr_expect_eq(look_up(ELSEWHERE + MREMAP_RUNS_MAX * UINT64_C(8192)).origin[0], ORIGIN_UNKNOWN);
}

Test(record, advice_of_c_is_counted_apart_from_gos)
{
    record_c_madvise(ELSEWHERE, 3 * GO_PAGE_BYTES, MADV_DONTNEED, 0, 0, 0x1234);
    record_c_madvise(ELSEWHERE, GO_PAGE_BYTES, MADV_DONTNEED, -EINVAL, 0, 0x1234);
    record_go_madvise(ELSEWHERE, GO_PAGE_BYTES, 9999, 0, 0x1234, 0);
    const struct advice_counter *by_c = &gpw_shim.advices[CALLER_C][ADVICE_DONTNEED];
    cr_expect_eq(atomic_load(&by_c->calls), 2);
    cr_expect_eq(atomic_load(&by_c->bytes), 3 * GO_PAGE_BYTES);
    cr_expect_eq(atomic_load(&by_c->errors), 1);
    cr_expect_eq(atomic_load(&gpw_shim.advices[CALLER_GO][ADVICE_DONTNEED].calls), 0);
    cr_expect_eq(atomic_load(&gpw_shim.advices[CALLER_GO][ADVICE_OTHER].calls), 1, "an advice that is not listed");
    cr_expect_eq(watching_last_event().stack_pointer, 0x1234);
}

Test(record, nothing_is_written_while_nobody_watches)
{
    static const int STATES[] = {SHIM_IDLE, SHIM_OPENING, SHIM_OFF};
    for (int i = 0; i < 3; i++) {
        struct munmap_call unmapped = {.start = ELSEWHERE, .bytes = GO_PAGE_BYTES};
        struct mremap_call moved = {.old_start = ELSEWHERE, .old_bytes = 4096, .new_bytes = 4096};
        atomic_store(&gpw_shim.state, STATES[i]);
        do_mmap(IN_RUNTIME, 0, GO_PAGE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, ELSEWHERE);
        record_munmap_begins(&unmapped);
        record_munmap_ended(&unmapped, 0);
        record_mremap_begins(&moved);
        record_mremap_ended(&moved, ELSEWHERE);
        record_c_madvise(ELSEWHERE, 4096, MADV_DONTNEED, 0, 0, 0);
        record_go_madvise(ELSEWHERE, 4096, MADV_DONTNEED, 0, 0, 0);
    }
    cr_expect_eq(atomic_load(&gpw_shim.events.next), 0);
    cr_expect_eq(atomic_load(&gpw_shim.advices[CALLER_C][ADVICE_DONTNEED].calls), 0);
    cr_expect_eq(look_up(ELSEWHERE).origin[0], ORIGIN_UNKNOWN);
}

Test(record, what_was_mapped_before_the_table_of_call_sites_gets_a_row_if_it_is_still_there)
{
    enum { CONSTRUCTOR = 0x710000 };
    struct shim *shim = &gpw_shim;
    memset(&shim->early_mmaps, 0,
           sizeof shim->early_mmaps); /* the constructor has run, in a test that is no Go program */
    atomic_store(&shim->state, SHIM_IDLE);
    do_mmap(CONSTRUCTOR, 0, 3 * GO_PAGE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, ELSEWHERE);
    do_mmap(CONSTRUCTOR, 0, GO_PAGE_BYTES, PROT_READ, MAP_PRIVATE, ELSEWHERE + 8 * GO_PAGE_BYTES); /* a file */
    do_mmap(CONSTRUCTOR, 0, GO_PAGE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, -ENOMEM);
    /* The constructor: what is there is the loader's. Then one page is unmapped. */
    shadow_mark_mapped(&shim->shadow, ELSEWHERE, 3 * GO_PAGE_BYTES, ORIGIN_LOADER, true, 0);
    atomic_store(&shim->state, SHIM_WATCHING);
    shadow_mark_unmapped(&shim->shadow, ELSEWHERE + GO_PAGE_BYTES, GO_PAGE_BYTES);
    do_mmap(IN_C, 0, GO_PAGE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, ELSEWHERE + 4 * GO_PAGE_BYTES);
    do_mmap(IN_RUNTIME, 0, GO_PAGE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, ELSEWHERE + 6 * GO_PAGE_BYTES);
    cr_assert(callsites_open(&shim->callsites, &shim->region));
    early_mmaps_close(shim);
    struct shadow_entry first = look_up(ELSEWHERE), later = look_up(ELSEWHERE + 4 * GO_PAGE_BYTES);
    cr_expect_eq(first.origin[0], ORIGIN_C);
    cr_assert(first.site > CALLSITE_LOST && later.site > CALLSITE_LOST && first.site != later.site);
    cr_expect_eq(look_up(ELSEWHERE + GO_PAGE_BYTES).origin[0], ORIGIN_UNKNOWN);
    cr_expect_eq(look_up(ELSEWHERE + 2 * GO_PAGE_BYTES).site, first.site);
    cr_expect_eq(look_up(ELSEWHERE + 6 * GO_PAGE_BYTES).site, CALLSITE_NONE);
    const struct callsite *row = &shim->callsites.rows[first.site];
    cr_expect_eq(row->frames_count, 1);
    cr_expect_eq(row->frames[0], CONSTRUCTOR);
    cr_expect_eq(atomic_load(&row->bytes), 3 * GO_PAGE_BYTES);
    const uintptr_t *callers;
    cr_expect_eq(early_mmaps_callers(&shim->early_mmaps, &callers), 2);
    /* Nothing is kept from then on. */
    do_mmap(IN_C, 0, GO_PAGE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, ELSEWHERE + 9 * GO_PAGE_BYTES);
    cr_expect_eq(early_mmaps_callers(&shim->early_mmaps, &callers), 2);
}

Test(record, calls_of_another_malloc_have_their_place_alone_whatever_stacks_are_wanted)
{
    static const enum stacks_wanted WANTED[] = {STACKS_ALL, STACKS_GO};
    struct shim *shim = &gpw_shim;
    cr_assert(callsites_open(&shim->callsites, &shim->region));
    atomic_store(&shim->malloc_asker.hook_end, IN_C + 0x100);
    atomic_store(&shim->malloc_asker.hook_start, IN_C);
    for (unsigned i = 0; i < sizeof WANTED / sizeof WANTED[0]; i++) {
        shim->options.stacks = WANTED[i];
        do_mmap(IN_C + 8, 0, GO_PAGE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, ELSEWHERE);
        uint16_t site = look_up(ELSEWHERE).site;
        cr_assert(site > CALLSITE_LOST, "%u", i);
        cr_expect_eq(shim->callsites.rows[site].frames_count, 1);
        cr_expect_eq(shim->callsites.rows[site].frames[0], IN_C + 8);
    }
    do_mmap(IN_C + 0x100, 0, GO_PAGE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, ELSEWHERE);
    cr_expect_eq(look_up(ELSEWHERE).site, CALLSITE_NONE);
}
