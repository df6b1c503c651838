/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a Go runtime in a module.
 *
 * runtime.madvise is looked up by its name in .gopclntab, which every Go binary carries, and where that table is
 * missing or its names were changed, by its bytes: exactly one hit in executable memory. Either way the whole function
 * must be byte for byte what is known.
 */
#include "goruntime/runtime_find.h"

#include <string.h>

#include "memory/units.h"

/* The scratch: the image's headers, which are too much for a stack, and a window on its text and tables. */
enum { IMAGE_BYTES = 8 * 1024, WINDOW_BYTES = RUNTIME_FIND_SCRATCH_BYTES - IMAGE_BYTES };

_Static_assert(sizeof(struct elf_image) <= IMAGE_BYTES, "it fits in");

static bool is_madvise(const struct elf_image *image, uintptr_t entry, uint64_t available_bytes)
{
    uint8_t code[RUNTIME_CODE_BYTES_MAX];
    uint64_t code_bytes;
    uint64_t bytes = min_u64(available_bytes, sizeof code);
    return entry % RUNTIME_CODE_ALIGN_BYTES == 0 && reader_read(image->reader, entry, code, bytes) &&
           madvise_code_matches(code, bytes, &code_bytes);
}

/* How often the code stands in [start, end); `entry` gets the last hit. */
static unsigned count_hits(const struct elf_image *image, uintptr_t start, uintptr_t end, uint8_t *scratch,
                           uintptr_t *entry)
{
    struct reader_window window = {image->reader, start, end, scratch, WINDOW_BYTES, 0, 0};
    unsigned hits = 0;
    uint64_t code_bytes;
    for (uintptr_t at = align_up(start, RUNTIME_CODE_ALIGN_BYTES); at + RUNTIME_CODE_BYTES_MAX <= end;
         at += RUNTIME_CODE_ALIGN_BYTES) {
        const uint8_t *code = reader_window_at(&window, at, RUNTIME_CODE_BYTES_MAX);
        if (code == NULL)
            return hits;
        if (!madvise_code_matches(code, RUNTIME_CODE_BYTES_MAX, &code_bytes))
            continue;
        *entry = at;
        hits++;
    }
    return hits;
}

static void find_madvise_by_code(struct go_runtime *runtime, const struct elf_image *image, uint8_t *scratch)
{
    unsigned hits = 0;
    uintptr_t entry = 0;
    for (uint32_t i = 0; i < image->segments_count; i++) {
        if (image->segments[i].is_executable)
            hits += count_hits(image, image->segments[i].start, image->segments[i].end, scratch, &entry);
    }
    if (hits == 1)
        runtime->madvise_entry = entry;
    else
        runtime->madvise_not_found = hits == 0 ? "no function has the bytes of runtime.madvise of go1.17 to 1.27"
                                               : "the bytes of runtime.madvise stand in more than one place";
}

static void find_madvise(struct go_runtime *runtime, const struct elf_image *image, const struct pclntab_range *named,
                         uint8_t *scratch)
{
    if (named->end == 0)
        find_madvise_by_code(runtime, image, scratch);
    else if (is_madvise(image, named->start, named->end - named->start))
        runtime->madvise_entry = named->start;
    else
        runtime->madvise_not_found = "the bytes of runtime.madvise are not those of go1.17 to 1.27";
}

/* By its name alone: its few bytes may stand elsewhere as well. */
static void find_exit(struct go_runtime *runtime, const struct elf_image *image, const struct pclntab_range *named)
{
    uint8_t code[RUNTIME_CODE_BYTES_MAX];
    runtime->exit_not_found = "no .gopclntab names runtime.exit";
    if (named->end == 0)
        return;
    uint64_t bytes = min_u64(named->end - named->start, sizeof code);
    runtime->exit_not_found = "the bytes of runtime.exit are not those of go1.17 to 1.27";
    if (named->start % RUNTIME_CODE_ALIGN_BYTES != 0 || !reader_read(image->reader, named->start, code, bytes) ||
        !exit_code_matches(code, bytes))
        return;
    runtime->exit_entry = named->start;
    runtime->exit_not_found = NULL;
}

/* All names in one pass: this is a good part of what a program's start costs. */
static void find_functions(struct go_runtime *runtime, const struct elf_image *image, uint8_t *scratch)
{
    enum { MADVISE, EXIT, CALL_MMAP, FUNCTIONS };
    static const char *const NAMES[FUNCTIONS] = {"runtime.madvise", "runtime.exit", "runtime.callCgoMmap"};
    struct pclntab_range ranges[FUNCTIONS] = {{0, 0}};
    if (runtime->has_pclntab)
        pclntab_lookup_all(&runtime->pclntab, image, NAMES, FUNCTIONS, ranges, scratch, WINDOW_BYTES);
    find_madvise(runtime, image, &ranges[MADVISE], scratch);
    find_exit(runtime, image, &ranges[EXIT]);
    runtime->call_mmap_start = ranges[CALL_MMAP].start;
    runtime->call_mmap_end = ranges[CALL_MMAP].end;
}

bool runtime_find(struct go_runtime *runtime, struct reader *reader, uintptr_t base, const char *path, void *scratch)
{
    struct elf_image *image = scratch;
    uint8_t *window = (uint8_t *)scratch + IMAGE_BYTES;
    *runtime = (struct go_runtime){0};
    if (!elf_image_read(image, reader, base))
        return false;
    elf_image_read_sections(image, path);
    bool has_buildinfo = buildinfo_read(image, &runtime->version);
    if (!has_buildinfo && elf_image_section(image, ".gopclntab") == NULL)
        return false;

    runtime->image_start = image->start;
    runtime->image_end = image->end;
    for (uint32_t i = 0; i < image->segments_count && runtime->writable_count < ELF_WRITABLE_MAX; i++) {
        if (image->segments[i].is_writable)
            runtime->writable[runtime->writable_count++] = image->segments[i];
    }
    runtime->has_libc = image->needs_libraries;
    runtime->build_id_bytes = image->build_id_bytes;
    memcpy(runtime->build_id, image->build_id, sizeof runtime->build_id);
    runtime->has_pclntab = pclntab_find(&runtime->pclntab, image, window, WINDOW_BYTES);
    if (!runtime->has_pclntab ||
        !pclntab_text_range(&runtime->pclntab, image, &runtime->go_text_start, &runtime->go_text_end))
        runtime->go_text_start = runtime->go_text_end = 0;
    find_functions(runtime, image, window);
    return true;
}
