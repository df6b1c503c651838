/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing /proc/PID/smaps (fs/proc/task_mmu.c:show_smap): a header line as in maps, then "Key:  N kB" lines.
 */
#include "memory/smaps.h"

#include <errno.h>
#include <stddef.h>

#include "memory/text.h"
#include "memory/vma.h"

enum { SMAPS_BUFFER_BYTES = 32 * 1024 };

static const struct {
    const char *key;
    uint64_t offset;
} FIELDS[] = {
    {"Rss:", offsetof(struct smaps_entry, resident_bytes)},
    {"Swap:", offsetof(struct smaps_entry, swapped_bytes)},
    {"AnonHugePages:", offsetof(struct smaps_entry, huge_bytes)},
    {"ShmemPmdMapped:", offsetof(struct smaps_entry, huge_bytes)},
    {"FilePmdMapped:", offsetof(struct smaps_entry, huge_bytes)},
    {"LazyFree:", offsetof(struct smaps_entry, lazyfree_bytes)},
};

static void take_field(struct text line, struct smaps_entry *entry)
{
    struct text key = text_take_word(&line);
    for (unsigned i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        uint64_t kib;
        if (!text_equals(key, FIELDS[i].key))
            continue;
        text_skip_spaces(&line);
        if (text_take_decimal(&line, &kib) && kib < UINT64_MAX / 1024)
            *(uint64_t *)((char *)entry + FIELDS[i].offset) += kib * 1024;
        return;
    }
}

int smaps_read(const char *path, struct bump *bump, smaps_callback *callback, void *context)
{
    char *buffer = bump_take(bump, SMAPS_BUFFER_BYTES);
    if (buffer == NULL)
        return -ENOMEM;
    struct line_reader lines;
    int error = line_reader_open(&lines, path, buffer, SMAPS_BUFFER_BYTES);
    if (error != 0)
        return error;

    struct smaps_entry entry = {0};
    struct text line;
    while (line_reader_next(&lines, &line)) {
        struct vma vma;
        uint64_t name_bytes;
        if (!vma_parse_line(line, &vma, &name_bytes)) {
            take_field(line, &entry);
            continue;
        }
        if (entry.end != 0)
            callback(context, &entry);
        entry = (struct smaps_entry){.start = vma.start, .end = vma.end};
    }
    if (entry.end != 0)
        callback(context, &entry);
    line_reader_close(&lines);
    return lines.error;
}
