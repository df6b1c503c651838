/* SPDX-License-Identifier: Apache-2.0
 *
 * What a dump of this process says besides its snapshot: the runtimes, the calls that were counted, and its books.
 */
#include "dump/document_go.h"
#include "dump/document_malloc.h"
#include "dump/document_sites.h"
#include "memory/raw.h"
#include "memory/units.h"
#include "preload/hook_stacks.h"
#include "preload/make_dump_inside.h"
#include "preload/shim.h"

#define C_FRAMES "frames of C in call sites"

static void fill_runtimes(struct making *making)
{
    struct document *document = &making->document;
    struct book *book = &document->books[BOOK_SHIM];
    book->how = "patched";
    for (uint32_t i = 0; i < making->runtimes_count; i++) {
        const struct watched_runtime *runtime = making->watched_runtimes[i];
        making->runtimes[i] = (struct document_runtime){
            .module = runtime->module,
            .version = runtime->found.version.text,
            .madvise = runtime->madvise_unseen == NULL ? "patched" : runtime->madvise_unseen,
            .start = runtime->found.image_start,
            .end = runtime->found.image_end,
        };
        if (runtime->madvise_unseen != NULL) {
            book->how = "interposed";
            book_miss(book, "runtime.madvise", runtime->madvise_unseen);
        }
        if (runtime->exit_unseen != NULL)
            book_miss(book, "runtime.exit", runtime->exit_unseen);
    }
    document->runtimes = making->runtimes;
    document->runtimes_count = making->runtimes_count;
    if (making->runtimes_count == 0)
        return;
    document->go_version = making->runtimes[0].version;
    document->build_id = making->watched_runtimes[0]->found.build_id;
    document->build_id_bytes = making->watched_runtimes[0]->found.build_id_bytes;
}

static void fill_advices(struct making *making)
{
    static const char *const CALLERS[] = {[CALLER_GO] = "go", [CALLER_C] = "c"};
    uint32_t rows = 0;
    for (int caller = 0; caller < CALLER_COUNT; caller++) {
        for (int advice = 0; advice < ADVICE_COUNT; advice++) {
            const struct advice_counter *counter = &gpw_shim.advices[caller][advice];
            uint64_t calls = atomic_load_explicit(&counter->calls, memory_order_relaxed);
            if (calls == 0)
                continue;
            making->advices[rows++] = (struct document_advice){
                .by = CALLERS[caller],
                .advice = document_call_detail(EVENT_MADVISE, (uint8_t)advice),
                .calls = calls,
                .bytes = atomic_load_explicit(&counter->bytes, memory_order_relaxed),
                .errors = atomic_load_explicit(&counter->errors, memory_order_relaxed),
            };
        }
    }
    making->document.advices = making->advices;
    making->document.advices_count = rows;
}

static void fill_pagemap(const struct making *making, struct book *book)
{
    switch (making->residency.method) {
    case RESIDENCY_BY_SCAN:
        book->how = "pagemap_scan";
        break;
    case RESIDENCY_BY_PAGEMAP:
        book->how = "pagemap";
        break;
    case RESIDENCY_BY_BACK_END:
        book->how = "none";
        book_miss(book, "what is resident",
                  "/proc/self/pagemap may not be read: the process has changed its user or capabilities (setuid), or "
                  "is not dumpable (PR_SET_DUMPABLE)");
        break;
    }
}

static void count_stacks(struct book *book)
{
    const struct shim *shim = &gpw_shim;
    const struct malloc_asker *asker = &shim->malloc_asker;
    const struct stacks *stacks = &shim->stacks;
    book_count(book, "stacks_missed", atomic_load(&stacks->missed));
    book_count(book, "c_walks_skipped", atomic_load(&stacks->unwinder.skipped));
    if (shim->options.stacks == STACKS_OFF)
        return;
    if (shim->callsites.rows == NULL || atomic_load(&stacks->slots) == NULL) {
        book_miss(book, "stacks", "no memory for them");
        return;
    }
    const char *why_no_c = atomic_load(&stacks->why_no_c);
    if (why_no_c != NULL)
        book_miss(book, C_FRAMES, why_no_c);
    else if (atomic_load(&stacks->unwinder.is_ready) && atomic_load(&asker->hook_end) != 0 && asker->is_hook_in_program)
        book_miss(book, C_FRAMES " of the module that holds malloc",
                  "its malloc may hold a lock where it maps memory, and walking C takes the loader's; the caller and "
                  "Go's frames are known");
    if (atomic_load(&stacks->is_forbidden) != 0)
        book_miss(book, "Go's frames of some stacks", "process_vm_readv is refused, as seccomp does");
}

/* What the dump itself took at most. A walk of a map gives its memory back before the next begins. */
static uint64_t scratch_bytes(const struct making *making)
{
    uint64_t most_bytes = 0;
    for (uint32_t i = 0; i < making->document.maps_count; i++)
        most_bytes = max_u64(most_bytes, making->document.maps[i].scratch_bytes);
    return bump_resident_bytes(&making->scratch) + most_bytes;
}

static void fill_books(struct making *making)
{
    const struct shim *shim = &gpw_shim;
    const struct snapshot *snapshot = &making->snapshot;
    struct book *books = making->document.books;

    struct book *book = &books[BOOK_SHIM];
    book->name = "shim";
    book_count(book, "events_recorded", atomic_load(&shim->events.next));
    book_count(book, "events_lost", atomic_load(&shim->events.lost));
    book_count(book, "advice_unrecorded", atomic_load(&gpw_hook_stacks.unrecorded));
    book_count(book, "ranges_untracked", atomic_load(&shim->shadow.ranges_untracked));
    book_count(book, "asked", shim->dumper.handled);
    book_count(book, "signals", shim->dumper.handled);
    book_count(book, "signals_coalesced", shim->dumper.coalesced);
    book_count(book, "dumps_failed", shim->dumper.failed);
    book_count(book, "scratch_bytes", scratch_bytes(making));
    if (shim->event_stream.why[0] != '\0')
        book_miss(book, "events file", shim->event_stream.why);
    if (shim->events.slots == NULL)
        book_miss(book, "events", "no memory for the event ring");
    count_stacks(book);

    book = &books[BOOK_GORUNTIME];
    book->name = "goruntime";
    document_fill_goruntime(book, &snapshot->heaps);

    book = &books[BOOK_PAGEMAP];
    book->name = "pagemap";
    fill_pagemap(making, book);
    book->untrusted = snapshot->untrusted;
    book_count(book, "scan_ns", snapshot->resident.scan_ns);
    book_count(book, "join_ns", snapshot->join_ns);
    book_count(book, "attempts", snapshot->resident.attempts);
    book_count(book, "drift_bytes", snapshot->resident.drift_bytes);
    if (snapshot->smaps_error != 0)
        book_miss(book, snapshot->sees_huge ? "lazyfree" : "lazyfree, huge", "/proc/self/smaps could not be read");

    document_fill_malloc(&books[BOOK_MALLOC], snapshot, &making->other_malloc);
}

void make_dump_fill(struct making *making, const char *reason, const char *label)
{
    struct shim *shim = &gpw_shim;
    struct document *document = &making->document;
    uint64_t now_ns = raw_clock_ns(CLOCK_MONOTONIC);
    uint64_t ticks = making->begin_ticks - shim->start_ticks;
    uint64_t passed_ns = making->begin_monotonic_ns - shim->start_monotonic_ns;

    document->reason = reason;
    document->label = label;
    document->phase = making->phase;
    document->seq = shim->dumper.dumps + 1;
    document->unix_ns = raw_clock_ns(CLOCK_REALTIME);
    document->since_start_ns = passed_ns;
    document->took_ns = now_ns - making->begin_monotonic_ns;
    document->pid = (uint64_t)raw_getpid();
    document->comm = shim->output.program;
    long bytes = raw_readlink("/proc/self/exe", making->exe, sizeof making->exe - 1);
    making->exe[raw_failed(bytes) ? 0 : bytes] = '\0';
    document->exe = making->exe;
    document->host = shim->output.host;
    document->gogc = environment_value(shim->environment, "GOGC");
    document->gomemlimit = environment_value(shim->environment, "GOMEMLIMIT");
    document->godebug = environment_value(shim->environment, "GODEBUG");
    document->gomaxprocs = environment_value(shim->environment, "GOMAXPROCS");
    document->snapshot = &making->snapshot;
    document->events = &shim->events;
    making->events_file = shim->event_stream.header;
    document->events_file = shim->event_stream.records == NULL ? NULL : &making->events_file;
    document->events_path = shim->event_stream.path;
    document->callsites = &shim->callsites;
    document->purposes = making->purposes;
    document->purposes_count = making->heaps_count;
    document->shadow = &shim->shadow;
    /* All of them are about what is resident, or is not. */
    if (making->knows_residency)
        findings_make(&document->findings, &making->snapshot, &document->environment, document->shadow);
    document->start_ticks = shim->start_ticks;
    document->ns_per_tick = ticks == 0 ? 1.0 : (double)passed_ns / (double)ticks;
    fill_runtimes(making);
    fill_advices(making);
    fill_books(making);
}
