/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a dump from outside.
 */
#include "harness/outside.h"
#include "dump/document_malloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gopagewatch/schema.h"
#include "memory/raw.h"

static const char NO_SHIM[] = "no shim is in the process";
static const char SHIM_INSIDE[] =
    "only the shim that is in the process has it: ask it for a dump (gopagewatch dump PID)";

/* ---- the process ---- */

struct outside *outside_open(const char *subcommand, const char *thing)
{
    struct outside *outside = calloc(1, sizeof *outside);
    if (outside == NULL || bump_open(&outside->bump, OUTSIDE_BUMP_BYTES) != 0) {
        free(outside);
        return NULL;
    }
    outside->subcommand = subcommand;
    outside->thing = thing;
    outside->begin_ns = raw_clock_ns(CLOCK_MONOTONIC);
    return outside;
}

void outside_close(struct outside *outside)
{
    bump_close(&outside->bump);
    free(outside);
}

const char *environment_block_value(const char *block, uint64_t bytes, const char *name)
{
    size_t name_bytes = strlen(name);
    for (const char *at = block, *end = block + bytes; at < end;) {
        size_t entry_bytes = strnlen(at, (size_t)(end - at));
        if (at + entry_bytes == end) /* cut off */
            return NULL;
        if (entry_bytes > name_bytes && memcmp(at, name, name_bytes) == 0 && at[name_bytes] == '=')
            return at + name_bytes + 1;
        at += entry_bytes + 1;
    }
    return NULL;
}

void outside_set_variables(struct outside *outside, const char *block, uint64_t bytes)
{
    struct document *document = &outside->document;
    document->gogc = environment_block_value(block, bytes, "GOGC");
    document->gomemlimit = environment_block_value(block, bytes, "GOMEMLIMIT");
    document->godebug = environment_block_value(block, bytes, "GODEBUG");
    document->gomaxprocs = environment_block_value(block, bytes, "GOMAXPROCS");
}

/* ---- the snapshot ---- */

bool outside_find_modules(struct outside *outside, struct error *error)
{
    if (!modules_find(&outside->modules, &outside->where, &outside->bump))
        return error_set(error, "there is no memory to look at it; free some or raise the limit (ulimit -v)");
    if (outside->modules.count == 0)
        return error_set(error,
                         "is not a Go process: none of its %" PRIu64 " mappings is of a file with Go's build "
                         "information or function table",
                         outside->where.vmas->count);
    return true;
}

const struct vma *outside_find_shim(const struct vma_list *vmas)
{
    static const char NAME[] = "/libgopagewatch.so";
    for (uint64_t i = 0; i < vmas->count; i++) {
        const struct vma *vma = &vmas->vmas[i];
        const char *name = strrchr(vma->name, '/');
        if (name != NULL && strncmp(name, NAME, sizeof NAME - 1) == 0 && vma->file_offset_bytes == 0)
            return vma;
    }
    return NULL;
}

static void give(struct outside *outside, uintptr_t start, uintptr_t end, enum memory_class memory_class)
{
    outside->given[outside->source.given_count++] = (struct known_range){start, end, memory_class, 0};
}

bool outside_take_snapshot(struct outside *outside, struct error *error)
{
    const struct vma *shim = outside_find_shim(outside->where.vmas);
    struct snapshot_source *source = &outside->source;
    struct elf_image image;
    const char *failed_path = "memory";
    bool has_libc = false;
    for (uint32_t i = 0; i < outside->modules.count; i++) {
        const struct module *module = &outside->modules.modules[i];
        outside->heaps[i] = &module->heap;
        has_libc |= module->runtime.has_libc;
        give(outside, module->runtime.image_start, module->runtime.image_end, CLASS_GO_IMAGE);
    }
    if (shim != NULL && elf_image_read(&image, source->reader, shim->start))
        give(outside, image.start, image.end, CLASS_SHIM);
    source->given = outside->given;
    source->heaps = outside->heaps;
    source->heaps_count = outside->modules.count;
    /* Without libc nobody but Go maps memory. */
    source->unexplained = has_libc ? CLASS_C_MMAP : CLASS_GO_METADATA;
    int result = snapshot_take(&outside->snapshot, source, &outside->bump, &failed_path);
    if (result == -EACCES || result == -EPERM)
        return error_set(error, "%s may not be read: %s; %s", failed_path, strerror(-result),
                         geteuid() == 0 ? "it needs CAP_SYS_PTRACE (docker run --cap-add SYS_PTRACE)" : "be root");
    return result == 0 ||
           error_set(error, "%s cannot be read: %s; has the process ended?", failed_path, strerror(-result));
}

/* ---- the document ---- */

static void fill_pagemap(struct book *book, const struct snapshot *snapshot)
{
    book->name = "pagemap";
    switch (snapshot->residency_method) {
    case RESIDENCY_BY_SCAN:
        book->how = "pagemap_scan";
        break;
    case RESIDENCY_BY_PAGEMAP:
        book->how = "pagemap";
        break;
    case RESIDENCY_BY_BACK_END: /* the caller knows it */
        break;
    }
    book->untrusted = snapshot->untrusted;
    book_count(book, "scan_ns", snapshot->resident.scan_ns);
    book_count(book, "join_ns", snapshot->join_ns);
    book_count(book, "attempts", snapshot->resident.attempts);
    book_count(book, "drift_bytes", snapshot->resident.drift_bytes);
    if (snapshot->smaps_error != 0)
        book_miss(book, snapshot->sees_huge ? "lazyfree" : "lazyfree, huge", "smaps could not be read");
}

static void fill_shim(struct book *book, bool has_shim, bool has_libc)
{
    const char *why = has_shim ? SHIM_INSIDE : NO_SHIM;
    book->name = "shim";
    book->how = "none";
    book_miss(book, "events, advice", why);
    if (has_libc)
        book_miss(book, "whether anonymous memory is Go's or C's, where no structure tells", why);
}

static void fill_books(struct outside *outside)
{
    const struct snapshot *snapshot = &outside->snapshot;
    struct book *books = outside->document.books;
    fill_shim(&books[BOOK_SHIM], outside->has_shim, outside->source.unexplained == CLASS_C_MMAP);
    document_fill_goruntime(&books[BOOK_GORUNTIME], &snapshot->heaps);
    if (outside->modules.dropped != 0)
        book_miss(&books[BOOK_GORUNTIME], "some Go runtimes", "there are more of them than are looked at");

    fill_pagemap(&books[BOOK_PAGEMAP], snapshot);
    document_fill_malloc(&books[BOOK_MALLOC], snapshot, NULL);
}

static void fill_document(struct outside *outside)
{
    struct document *document = &outside->document;
    const struct module *first = &outside->modules.modules[0];
    for (uint32_t i = 0; i < outside->modules.count; i++) {
        const struct module *module = &outside->modules.modules[i];
        outside->runtimes[i] = (struct document_runtime){
            .module = module->vma->name,
            .version = module->runtime.version.text,
            .madvise = outside->has_shim ? "seen by the shim alone" : NO_SHIM,
            .start = module->runtime.image_start,
            .end = module->runtime.image_end,
        };
    }
    document->seq = 1;
    document->label = "";
    document->phase = "";
    document->host = outside->host;
    document->took_ns = raw_clock_ns(CLOCK_MONOTONIC) - outside->begin_ns;
    document->snapshot = &outside->snapshot;
    document->runtimes = outside->runtimes;
    document->runtimes_count = outside->modules.count;
    document->go_version = first->runtime.version.text;
    document->build_id = first->runtime.build_id;
    document->build_id_bytes = first->runtime.build_id_bytes;
    document->ns_per_tick = 1.0;
    /* All of them are about what is resident, or is not. */
    if (outside->knows_residency)
        findings_make(&document->findings, &outside->snapshot, &document->environment, NULL);
    fill_books(outside);
}

bool outside_take(struct outside *outside, struct error *error)
{
    outside->has_shim = outside_find_shim(outside->where.vmas) != NULL;
    if (!outside_find_modules(outside, error) || !outside_take_snapshot(outside, error))
        return false;
    fill_document(outside);
    return true;
}

/* ---- the file ---- */

bool outside_write(struct outside *outside, const char *path, struct error *error)
{
    struct output_file file;
    struct json json;
    if (!output_file_open(&file, path, error))
        return false;
    json_open(&json, file.fd, outside->json_buffer);
    document_write(&json, &outside->document, &outside->bump);
    return output_file_finish(&file, json_finish(&json), error);
}

static void tell_missing(const struct outside *outside, const char *path)
{
    for (int i = 0; i < BOOK_COUNT; i++) {
        const struct book *book = &outside->document.books[i];
        for (uint32_t k = 0; k < book->missing_count; k++)
            command_tell(outside->subcommand, "%s: not known: %s, because %s", outside->thing, book->missing[k].what,
                         book->missing[k].why);
    }
    if (strcmp(path, "-") != 0)
        command_tell(outside->subcommand, "%s: dump written; next: gopagewatch report %s", outside->thing, path);
}

bool outside_dump(struct outside *outside, const char *path, bool *is_output, struct error *error)
{
    *is_output = false;
    if (!outside_take(outside, error))
        return false;
    *is_output = true;
    if (!outside_write(outside, path, error))
        return false;
    if (strcmp(path, "-") != 0)
        printf("%s\n", path);
    tell_missing(outside, path);
    return true;
}
