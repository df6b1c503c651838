/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a dump of this process.
 */
#include "preload/make_dump.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

#include "dump/document.h"
#include "dump/document_go.h"
#include "dump/document_malloc.h"
#include "dump/document_maps.h"
#include "dump/document_sites.h"
#include "gopagewatch/schema.h"
#include "memory/limits.h"
#include "memory/raw.h"
#include "memory/units.h"
#include "memory/clock.h"
#include "preload/hook_stacks.h"
#include "preload/log.h"
#include "preload/shim.h"

/* Address space, not memory: tables of the largest size that is foreseen, or smaller ones where that is rationed. */
#define SCRATCH_BYTES (512ull << 20)
#define SCRATCH_LEAST_BYTES (12ull << 20)

/* A walk of a map takes at most this part of what the cgroup's limit leaves: beyond it the kernel kills. */
enum { CGROUP_LEFT_PART = 2 };

#define C_FRAMES "frames of C in call sites"
enum { NS_PER_US = 1000 };

enum { GIVEN_RANGES_MAX = 3 * RUNTIMES_MAX + 8, ADVICE_ROWS_MAX = CALLER_COUNT * ADVICE_COUNT };

/* Where this library lies, by its own symbols (ld: __ehdr_start, _end). */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

struct making {
    struct bump scratch;
    struct reader_process reader;
    struct residency residency;
    bool knows_residency; /* false: it reports nothing */
    uint64_t residency_buffer[RESIDENCY_BUFFER_BYTES / sizeof(uint64_t)];
    struct pace pace;
    struct other_malloc other_malloc;
    struct snapshot snapshot;
    struct document document;
    struct elf_image watched; /* the program that the watched maps are of */
    struct known_range given[GIVEN_RANGES_MAX];
    uint32_t given_count;
    struct watched_runtime *watched_runtimes[RUNTIMES_MAX]; /* as they are when the dump begins */
    struct document_runtime runtimes[RUNTIMES_MAX];         /* of these */
    uint32_t runtimes_count;
    const struct go_heap *heaps[RUNTIMES_MAX];
    const struct go_purposes *purposes[RUNTIMES_MAX];
    uint32_t heaps_count;
    struct document_advice advices[ADVICE_ROWS_MAX];
    char exe[MODULE_PATH_BYTES];
    char json_buffer[JSON_BUFFER_BYTES];
    struct gpw_events_header events_file;
    uint64_t begin_ticks, begin_monotonic_ns;
    char phase[GPW_LABEL_BYTES];
};

static void give(struct making *making, uintptr_t start, uintptr_t end, enum memory_class memory_class)
{
    if (making->given_count < GIVEN_RANGES_MAX && start < end)
        making->given[making->given_count++] = (struct known_range){start, end, memory_class, 0};
}

static void give_ranges(struct making *making, uint64_t os_page_bytes)
{
    const struct shim *shim = &gpw_shim;
    give(making, shim->region.start, shim->region.start + shim->region.bytes, CLASS_SHIM);
    give(making, align_down((uintptr_t)__ehdr_start, os_page_bytes), align_up((uintptr_t)_end, os_page_bytes),
         CLASS_SHIM);
    give(making, (uintptr_t)making->scratch.start, (uintptr_t)making->scratch.start + making->scratch.reserved_bytes,
         (enum memory_class)CLASS_SCRATCH);
    uintptr_t control = (uintptr_t)shim->control.page;
    if (control != 0)
        give(making, control, control + align_up(GPW_CONTROL_BYTES, os_page_bytes), CLASS_SHIM);
    for (uint32_t i = 0; i < making->runtimes_count; i++) {
        const struct watched_runtime *runtime = making->watched_runtimes[i];
        give(making, runtime->found.image_start, runtime->found.image_end, CLASS_GO_IMAGE);
        if (runtime->trampoline != 0)
            give(making, runtime->trampoline, runtime->trampoline + os_page_bytes, CLASS_SHIM);
        if (runtime->exit_trampoline != 0)
            give(making, runtime->exit_trampoline, runtime->exit_trampoline + os_page_bytes, CLASS_SHIM);
    }
}

static bool has_lazily_freed(void)
{
    uint64_t calls = 0;
    for (int i = 0; i < CALLER_COUNT; i++)
        calls += atomic_load_explicit(&gpw_shim.advices[i][ADVICE_FREE].calls, memory_order_relaxed);
    return calls != 0;
}

static bool has_race_detector(const struct making *making)
{
    for (uint32_t i = 0; i < making->runtimes_count; i++) {
        if (making->watched_runtimes[i]->found.version.is_race)
            return true;
    }
    return false;
}

/* The arena map is memory that the runtime was seen to map. */
static bool is_confirmed(const struct go_heap *heap)
{
    const struct shadow *shadow = &gpw_shim.shadow;
    return shadow_look_up(shadow, heap->arena_map).origin[0] == ORIGIN_GO &&
           shadow_look_up(shadow, heap->arena_map + GO_ARENA_MAP_BYTES - 1).origin[1] == ORIGIN_GO;
}

static void find_heaps(struct making *making)
{
    void *scratch = bump_take(&making->scratch, RUNTIME_FIND_SCRATCH_BYTES);
    for (uint32_t i = 0; scratch != NULL && i < making->runtimes_count; i++) {
        struct watched_runtime *runtime = making->watched_runtimes[i];
        struct go_heap *heap = &runtime->heap;
        if (heap->layout == NULL && heap_find(heap, &runtime->found, &making->reader.reader, scratch) &&
            !is_confirmed(heap))
            go_heap_refuse(heap, "the arena map that was found at ", heap->arena_map,
                           " is not memory that the Go runtime was seen to map");
        purposes_find(&runtime->purposes, &runtime->found, &making->reader.reader, scratch);
        making->purposes[i] = &runtime->purposes;
        heap->reader = &making->reader.reader;
        making->heaps[making->heaps_count++] = heap;
    }
}

/* ---- residency ---- */

static int report_nothing(struct residency *residency, uintptr_t start, uintptr_t end, residency_callback *callback,
                          void *context)
{
    (void)residency, (void)start, (void)end, (void)callback, (void)context;
    return 0;
}

/* 0, or -errno. What this process may not read is a book that is missing, and no reason for no dump. */
static int open_residency(struct making *making)
{
    int fd = own_pagemap_get(&gpw_shim.pagemap);
    struct residency *residency = &making->residency;
    making->knows_residency = fd >= 0;
    if (fd >= 0)
        residency_use(residency, fd, getauxval(AT_PAGESZ), making->residency_buffer);
    else if (fd == -EACCES || fd == -EPERM)
        *residency = (struct residency){.fd = -1,
                                        .method = RESIDENCY_BY_BACK_END,
                                        .back_end = report_nothing,
                                        .os_page_bytes = getauxval(AT_PAGESZ)};
    else
        return fd;
    residency->pace = &making->pace;
    return 0;
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

/* ---- the snapshot ---- */

static void list_runtimes(struct making *making)
{
    struct watched_runtime *runtime;
    for (uint32_t at = 0; (runtime = shim_next_runtime(&at)) != NULL;)
        making->watched_runtimes[making->runtimes_count++] = runtime;
}

static int take_snapshot(struct making *making, const char **failed_path)
{
    uint64_t os_page_bytes = getauxval(AT_PAGESZ);
    list_runtimes(making);
    *failed_path = "/proc/self/pagemap";
    int error = open_residency(making);
    if (error != 0)
        return error;
    give_ranges(making, os_page_bytes);
    find_heaps(making);
    malloc_asker_ask(&gpw_shim.malloc_asker, &making->other_malloc);
    struct snapshot_source source = {
        .maps_path = "/proc/self/maps",
        .smaps_path = making->knows_residency ? "/proc/self/smaps" : NULL,
        .status_path = "/proc/self/status",
        .tasks_path = "/proc/self/task",
        .residency = &making->residency,
        .reader = &making->reader.reader,
        .shadow = &gpw_shim.shadow,
        .callsites = &gpw_shim.callsites,
        .other_malloc = &making->other_malloc,
        .heaps = making->heaps,
        .heaps_count = making->heaps_count,
        .given = making->given,
        .given_count = making->given_count,
        .os_page_bytes = os_page_bytes,
        .pid = (uint32_t)raw_getpid(),
        .is_own_process = true,
        .unexplained = has_race_detector(making) ? CLASS_C_MMAP : CLASS_OTHER,
        .may_be_lazily_freed = has_lazily_freed(),
    };
    error = snapshot_take(&making->snapshot, &source, &making->scratch, failed_path);
    if (error != 0 || !making->knows_residency || own_pagemap_is_there(&gpw_shim.pagemap))
        return error;
    *failed_path = "/proc/self/pagemap";
    return -EBADF;
}

/* ---- the maps that are watched ---- */

/* NULL: it is not here; children inherit the variable. */
static const struct go_heap *find_watched_heap(struct making *making)
{
    for (uint32_t i = 0; i < making->heaps_count; i++) {
        uintptr_t base = making->watched_runtimes[i]->found.image_start;
        if (elf_image_read(&making->watched, &making->reader.reader, base) &&
            watches_are_of(&gpw_shim.watches, &making->watched))
            return making->heaps[i];
    }
    return NULL;
}

static void answer_maps(struct making *making)
{
    const struct watches *watches = &gpw_shim.watches;
    const struct go_heap *heap = watches->count == 0 ? NULL : find_watched_heap(making);
    struct document *document = &making->document;
    if (heap == NULL)
        return;
    const struct map_source source = {
        .heap = heap,
        .residency = making->knows_residency ? &making->residency : NULL,
        .bias = making->watched.bias,
        .image_start = making->watched.start,
        .image_end = making->watched.end,
        .os_page_bytes = getauxval(AT_PAGESZ),
        .memory_most_bytes = max_u64(document->environment.cgroup_left_bytes / CGROUP_LEFT_PART, 1),
    };
    document->maps = map_answers_make(watches->paths, watches->count, &source, &making->scratch);
    document->maps_count = document->maps == NULL ? 0 : watches->count;
}

/* ---- the document ---- */

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

static void miss_exits(struct book *book)
{
    const struct watched_runtime *runtime;
    for (uint32_t at = 0; (runtime = shim_next_runtime(&at)) != NULL;) {
        if (runtime->exit_unseen != NULL)
            book_miss(book, "runtime.exit", runtime->exit_unseen);
    }
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
    miss_exits(book);

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

static void fill_document(struct making *making, const char *reason, const char *label)
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

/* ---- the file ---- */

static const char *mend_of(int error, const char *otherwise)
{
    switch (-error) {
    case EMFILE:
        return "; raise RLIMIT_NOFILE (ulimit -n)";
    case ENOMEM:
        return LIMITS_MEND;
    case EBADF:
        return "; ask once more";
    default:
        return otherwise;
    }
}

/* `mend`: where the error alone does not tell. */
static struct dump_outcome fail(const char *what, const char *path, int error, const char *mend)
{
    char number[NUMBER_TEXT_BYTES + 8];
    gpw_shim.dumper.failed++;
    log_error("no dump: ", what, " ", path, ": ", error_text(error, number), mend_of(error, mend));
    return (struct dump_outcome){.error = error, .path = path, .why = what};
}

static void tell_steps(const struct making *making)
{
    const struct snapshot *snapshot = &making->snapshot;
    const uint64_t read_ns = making->document.took_ns;
    const uint64_t all_ns = raw_clock_ns(CLOCK_MONOTONIC) - making->begin_monotonic_ns;
    char read[NUMBER_TEXT_BYTES], scan[NUMBER_TEXT_BYTES], attempts[NUMBER_TEXT_BYTES], join[NUMBER_TEXT_BYTES];
    char walk[NUMBER_TEXT_BYTES], malloc[NUMBER_TEXT_BYTES], written[NUMBER_TEXT_BYTES];
    log_debug("dump: read in ", number_text(read_ns / NS_PER_US, read), " us (scan ",
              number_text(snapshot->resident.scan_ns / NS_PER_US, scan), ", attempts ",
              number_text(snapshot->resident.attempts, attempts), ", Go heap ",
              number_text(snapshot->heaps.walk_ns / NS_PER_US, walk), ", malloc ",
              number_text(snapshot->malloc.walk_ns / NS_PER_US, malloc), ", join ",
              number_text(snapshot->join_ns / NS_PER_US, join), "), written in ",
              number_text((all_ns - read_ns) / NS_PER_US, written), " us");
}

static struct dump_outcome fail_for_memory(int error)
{
    return fail("cannot map", "memory for it", error, LIMITS_MEND);
}

static struct dump_outcome write_file(struct making *making)
{
    struct output *output = &gpw_shim.output;
    struct json json;
    int fd = output_begin(output, making->document.label);
    if (fd < 0)
        return fail("cannot create", output->path, fd, "; set GOPAGEWATCH_OUT to a path that can be written");
    json_open(&json, fd, making->json_buffer);
    json.pace = &making->pace;
    json.file = &output->file;
    document_write(&json, &making->document, &making->scratch);
    int error = output_end(output, fd, json_finish(&json), making->document.label);
    if (error != 0)
        return fail("cannot write", output->path, error, "; set GOPAGEWATCH_OUT to a place with room");
    gpw_shim.dumper.dumps++;
    log_info("dump written: ", output->path);
    tell_steps(making);
    return (struct dump_outcome){.seq = gpw_shim.dumper.dumps, .path = output->path, .why = ""};
}

static void take_events(void)
{
    event_stream_take(&gpw_shim.event_stream, &gpw_shim.events);
}

static struct dump_outcome make_in(struct bump *scratch, const char *reason, const char *label)
{
    const char *failed_path;
    struct making *making = bump_take(scratch, sizeof *making);
    if (making == NULL)
        return fail_for_memory(-ENOMEM);
    making->scratch = *scratch;
    making->begin_ticks = clock_ticks();
    making->begin_monotonic_ns = raw_clock_ns(CLOCK_MONOTONIC);
    making->pace.meanwhile = event_stream_is_wanted(&gpw_shim.event_stream) ? take_events : NULL;
    take_events();
    client_phase(&gpw_shim.client, making->phase);
    reader_process_open(&making->reader, raw_getpid());
    making->reader.pace = &making->pace;
    int error = take_snapshot(making, &failed_path);
    environment_read(&making->document.environment, getauxval(AT_PAGESZ), 0, "/proc/self/cgroup");
    if (error == 0)
        answer_maps(making);
    reader_process_close(&making->reader);
    if (error == -ENOMEM)
        return fail_for_memory(error);
    if (error != 0)
        return fail(failed_path[0] == '/' ? "cannot read" : "there is no", failed_path, error, "; is /proc mounted?");
    fill_document(making, reason, label);
    return write_file(making);
}

struct dump_outcome make_dump(const char *reason, const char *label)
{
    struct bump scratch;
    int error = bump_open_between(&scratch, limits_share_bytes(SCRATCH_BYTES), SCRATCH_LEAST_BYTES);
    if (error != 0)
        return fail_for_memory(error);
    struct dump_outcome outcome = make_in(&scratch, reason, label);
    bump_close(&scratch);
    return outcome;
}
