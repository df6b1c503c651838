/* SPDX-License-Identifier: Apache-2.0
 *
 * Making the document up.
 */
#include "tests/unit/support/made_document.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "gopagewatch/advice.h"
#include "gopagewatch/page_state.h"
#include "tests/unit/support/made_map.h"

#define STACK_START 0x7f0000000000ull

static const uint8_t BUILD_ID[] = {0xde, 0xad, 0x00, 0xff};

static void make_snapshot(struct made_document *made)
{
    struct snapshot *snapshot = &made->snapshot;
    made->vma = (struct vma){.start = 0xc000000000,
                             .end = 0xc004000000,
                             .is_readable = true,
                             .is_writable = true,
                             .name = "[anon: Go: heap]"};
    made->rows[0] = (struct map_row){&made->vma, CLASS_GO_HEAP, {8192, 4096, 1, 2, 3}, &made->rows[1], {0}};
    made->rows[1] = (struct map_row){&made->vma, CLASS_GO_RELEASED, {16384, 0, 0, 0, 0}, NULL, {0}};
    memset(made->arena.states, PAGE_STATE_RESERVED, sizeof made->arena.states);
    made->arena.states[0] = 'H';
    made->arena.states[1] = made->arena.states[2] = PAGE_STATE_RELEASED;
    made->arena.start = 0xc000000000;
    made->arena.resident_bytes = 4096;
    made->arenas[0] = &made->arena;
    snapshot->rows = made->rows;
    snapshot->arenas = made->arenas;
    snapshot->arenas_count = 1;
    snapshot->classes[CLASS_GO_HEAP] = made->rows[0].sizes;
    snapshot->classes[CLASS_GO_RELEASED] = made->rows[1].sizes;
    snapshot->classes[CLASS_OTHER].resident_bytes = 100;
    snapshot->resident.status =
        (struct proc_status){.resident_bytes = 32768, .peak_bytes = 81920, .swapped_bytes = 12288, .threads = 9};
    cr_assert(heap_books_open(&snapshot->heaps, NULL, 0, NULL, &made->bump));
    cr_assert(known_ranges_open(&snapshot->known, &made->bump));
    known_ranges_add(&snapshot->known,
                     (struct known_range){STACK_START, STACK_START + 0x10000, CLASS_THREAD_STACKS, MADE_TID});
}

static void make_events(struct made_document *made)
{
    const struct event EVENTS[] = {
        {.ticks = MADE_START_TICKS + 10,
         .stack_pointer = STACK_START + 0x8000,
         .start = 0xc000000000,
         .bytes = 64 << 20,
         .operation = EVENT_MMAP,
         .by = ORIGIN_GO,
         .detail = PROT_READ | PROT_WRITE},
        {.ticks = MADE_START_TICKS + 20,
         .stack_pointer = 0x1000,
         .start = 0xc000002000,
         .bytes = UINT64_MAX,
         .error = EINVAL,
         .operation = EVENT_MADVISE,
         .by = ORIGIN_GO,
         .detail = ADVICE_DONTNEED},
        {.ticks = MADE_START_TICKS + 30,
         .start = 0x7f0000000000,
         .bytes = 4096,
         .operation = EVENT_MUNMAP,
         .by = ORIGIN_C},
        {.ticks = 1, .start = 0x7f0000001000, .bytes = 8192, .operation = EVENT_MREMAP, .by = ORIGIN_C},
    };
    cr_assert(region_open(&made->region, 16 << 20));
    cr_assert(events_open(&made->events, &made->region));
    for (unsigned i = 0; i < sizeof EVENTS / sizeof EVENTS[0]; i++)
        event_write(&made->events, &EVENTS[i]);
    atomic_store(&made->events.lost, 5);
}

static void make_books(struct document *document)
{
    static const struct {
        const char *name, *how;
    } BOOKS[BOOK_COUNT] = {[BOOK_SHIM] = {"shim", "patched"},
                           [BOOK_GORUNTIME] = {"goruntime", "none"},
                           [BOOK_PAGEMAP] = {"pagemap", "pagemap_scan"},
                           [BOOK_MALLOC] = {"malloc", "none"}};
    static const char *const COUNTERS[] = {"events_recorded",  "events_lost",  "advice_unrecorded",
                                           "ranges_untracked", "signals",      "signals_coalesced",
                                           "dumps_failed",     "scratch_bytes"};
    for (int i = 0; i < BOOK_COUNT; i++) {
        document->books[i].name = BOOKS[i].name;
        document->books[i].how = BOOKS[i].how;
    }
    for (unsigned i = 0; i < sizeof COUNTERS / sizeof COUNTERS[0]; i++)
        book_count(&document->books[BOOK_SHIM], COUNTERS[i], i + 100);
    book_miss(&document->books[BOOK_MALLOC], "c.heap.free", "nobody asked");
    document->books[BOOK_PAGEMAP].untrusted = 3;
}

void made_document_make(struct made_document *made)
{
    *made = (struct made_document){0};
    cr_assert_eq(bump_open(&made->bump, 64 << 20), 0);
    make_snapshot(made);
    make_events(made);
    made->runtime = (struct document_runtime){"/srv/shop", "go1.26.10", "patched", 0x400000, 0x900000};
    made->advice = (struct document_advice){"go", "DONTNEED", 7, 57344, 1};
    struct document *document = &made->document;
    document->reason = "signal";
    document->label = "";
    document->phase = "loading";
    document->seq = 3;
    document->unix_ns = 1795404361123456789u;
    document->since_start_ns = 5000000000u;
    document->took_ns = 1200000;
    document->pid = 4711;
    document->comm = "shop";
    document->exe = "/srv/shop";
    document->host = "web-3";
    environment_read(&document->environment, 4096, 0, "/proc/self/cgroup");
    document->gomemlimit = "1GiB";
    document->go_version = "go1.26.10";
    document->build_id = BUILD_ID;
    document->build_id_bytes = sizeof BUILD_ID;
    make_books(document);
    document->snapshot = &made->snapshot;
    document->runtimes = &made->runtime;
    document->runtimes_count = 1;
    document->advices = &made->advice;
    document->advices_count = 1;
    made->maps[0] = made_map_swiss();
    made->maps[1] = made_map_not_known();
    document->maps = made->maps;
    document->maps_count = 2;
    document->events = &made->events;
    document->start_ticks = MADE_START_TICKS;
    document->ns_per_tick = 2.0;
}

struct json_t *made_document_write(struct made_document *made)
{
    json_file_open(&made->file);
    document_write(&made->file.json, &made->document, &made->bump);
    struct json_t *parsed = json_file_parse(&made->file);
    json_file_close(&made->file);
    return parsed;
}
