/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the kernel's text files. The input is read as /proc/PID/maps, as smaps, as status and line by line
 * through a buffer of a size that it chooses.
 *
 * Sources: shim/memory/{text,vma,smaps,proc_status,bump}.c tests/unit/support/files.c
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <unistd.h>

#include "memory/bump.h"
#include "memory/proc_status.h"
#include "memory/smaps.h"
#include "memory/text.h"
#include "memory/vma.h"
#include "tests/unit/support/files.h"

enum { RESERVE_BYTES = 64 << 20, LINE_BUFFER_MAX = 300 };

static void check_vmas(const char *path)
{
    struct bump bump;
    struct vma_list list;
    MUST(bump_open(&bump, RESERVE_BYTES) == 0);
    MUST(vma_list_read(&list, path, &bump) == 0);
    for (uint64_t i = 0; i < list.count; i++) {
        MUST(list.vmas[i].start < list.vmas[i].end);
        MUST(strlen(list.vmas[i].name) < RESERVE_BYTES);
    }
    bump_close(&bump);
}

static void on_entry(void *context, const struct smaps_entry *entry)
{
    uint64_t *entries = context;
    MUST(entry->start < entry->end);
    ++*entries;
}

static void check_smaps(const char *path, size_t bytes)
{
    struct bump bump;
    uint64_t entries = 0;
    MUST(bump_open(&bump, 1 << 20) == 0);
    MUST(smaps_read(path, &bump, on_entry, &entries) == 0);
    MUST(entries <= bytes);
    bump_close(&bump);
}

/* All lines and what was cut off them are the whole input. */
static void check_lines(const char *path, size_t bytes, uint64_t buffer_bytes)
{
    struct line_reader lines;
    struct text line;
    char *buffer = malloc(buffer_bytes);
    uint64_t read = 0;
    MUST(line_reader_open(&lines, path, buffer, buffer_bytes) == 0);
    while (line_reader_next(&lines, &line)) {
        MUST(line.at >= buffer && line.end <= buffer + buffer_bytes && line.at <= line.end);
        MUST(memchr(line.at, '\n', (size_t)(line.end - line.at)) == NULL);
        MUST(!lines.is_cut || (uint64_t)(line.end - line.at) == buffer_bytes);
        read += (uint64_t)(line.end - line.at) + 1;
    }
    MUST(lines.error == 0 && read <= bytes + 1);
    line_reader_close(&lines);
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input input = {data, bytes};
    struct proc_status status;
    uint64_t buffer_bytes = 1 + input_take(&input, 2) % LINE_BUFFER_MAX;
    struct memory_file file = memory_file_make(input.at, input.left);
    check_vmas(file.path);
    check_smaps(file.path, input.left);
    MUST(proc_status_read(&status, file.path) == 0);
    check_lines(file.path, input.left, buffer_bytes);
    memory_file_close(&file);
    return 0;
}
