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

#include "memory/clock.h"
#include "memory/limits.h"
#include "memory/raw.h"
#include "memory/units.h"
#include "preload/log.h"
#include "preload/make_dump_inside.h"
#include "preload/shim.h"

/* Address space, not memory: tables of the largest size that is foreseen, or smaller ones where that is rationed. */
#define SCRATCH_BYTES (512ull << 20)
#define SCRATCH_LEAST_BYTES (12ull << 20)

/* A walk of a map takes at most this part of what the cgroup's limit leaves: beyond it the kernel kills. */
enum { CGROUP_LEFT_PART = 2 };

enum { NS_PER_US = 1000 };

/* Where this library lies, by its own symbols (ld: __ehdr_start, _end). */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

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
    make_dump_fill(making, reason, label);
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
