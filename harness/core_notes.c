/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading notes one by one, without keeping those that nobody asks for: register sets of thousands of threads.
 */
#include "harness/core_notes.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

#include "harness/core_memory.h"
#include "memory/units.h"

enum {
    NOTES_MAX = 1 << 20,
    FILE_NOTE_BYTES_MAX = 16 << 20, /* fs/coredump.c:CORE_FILE_NOTE_SIZE_MAX */
    AUXV_BYTES_MAX = 4096,
    OS_PAGE_BYTES_MIN = 4096,
    OS_PAGE_BYTES_MAX = 65536,
};

struct note {
    int fd;
    uint32_t type;
    uint64_t content, content_bytes; /* in the file */
};

/* ---- one function for each kind of note; false: damaged ---- */

static bool take_thread(struct core_notes *notes, const struct note *note)
{
    struct elf_prstatus status;
    if (note->content_bytes < sizeof status || !core_read_file(note->fd, &status, sizeof status, note->content))
        return false;
    if (notes->threads++ == 0 && notes->pid == 0)
        notes->pid = (uint32_t)status.pr_pid; /* of the thread that died: better than none */
    return true;
}

static bool take_process(struct core_notes *notes, const struct note *note)
{
    struct elf_prpsinfo info;
    if (note->content_bytes < sizeof info || !core_read_file(note->fd, &info, sizeof info, note->content))
        return false;
    notes->pid = (uint32_t)info.pr_pid;
    memcpy(notes->comm, info.pr_fname, sizeof info.pr_fname);
    memcpy(notes->arguments, info.pr_psargs, sizeof info.pr_psargs);
    return true;
}

static bool take_auxv(struct core_notes *notes, const struct note *note)
{
    Elf64_auxv_t entries[AUXV_BYTES_MAX / sizeof(Elf64_auxv_t)];
    uint64_t bytes = min_u64(note->content_bytes, sizeof entries);
    if (!core_read_file(note->fd, entries, bytes, note->content))
        return false;
    memcpy(notes->auxv_front, entries, min_u64(bytes, sizeof notes->auxv_front));
    for (uint64_t i = 0; i < bytes / sizeof entries[0] && entries[i].a_type != AT_NULL; i++) {
        uint64_t value = entries[i].a_un.a_val;
        switch (entries[i].a_type) {
        case AT_PAGESZ:
            if (value >= OS_PAGE_BYTES_MIN && value <= OS_PAGE_BYTES_MAX && (value & (value - 1)) == 0)
                notes->os_page_bytes = value;
            break;
        case AT_PHDR:
            notes->program_headers = value;
            break;
        case AT_RANDOM:
            notes->random = value;
            break;
        case AT_SYSINFO_EHDR:
            notes->vdso = value;
            break;
        default:
            break;
        }
    }
    return true;
}

/* count, page size, `count` times start, end and offset in pages; then the names, each with its zero
 * (fs/binfmt_elf.c:fill_files_note; gdb writes a page size of 1). */
static bool take_files(struct core_notes *notes, const struct note *note, struct bump *bump)
{
    enum { HEAD_WORDS = 2, ROW_WORDS = 3 };
    uint64_t bytes = note->content_bytes;
    if (bytes < HEAD_WORDS * sizeof(uint64_t) || bytes > FILE_NOTE_BYTES_MAX || notes->mappings != NULL)
        return false;
    char *content = bump_take(bump, bytes + 1); /* zeroed: the last name ends */
    if (content == NULL || !core_read_file(note->fd, content, bytes, note->content))
        return false;
    const uint64_t *words = (const uint64_t *)content;
    uint64_t count = words[0], unit_bytes = words[1];
    if (count > bytes / (ROW_WORDS * sizeof *words))
        return false;
    uint64_t names = (HEAD_WORDS + ROW_WORDS * count) * sizeof *words;
    notes->mappings = bump_take(bump, count * sizeof notes->mappings[0]);
    if (names > bytes || notes->mappings == NULL)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t *row = words + HEAD_WORDS + ROW_WORDS * i;
        struct core_mapping mapping = {.start = row[0], .end = row[1], .name = content + names};
        if (names >= bytes || __builtin_mul_overflow(row[2], unit_bytes, &mapping.file_offset_bytes))
            return false;
        names += strlen(mapping.name) + 1;
        if (mapping.start < mapping.end)
            notes->mappings[notes->mappings_count++] = mapping;
        else
            notes->untrusted++;
    }
    return true;
}

static bool take_note(struct core_notes *notes, const struct note *note, struct bump *bump)
{
    switch (note->type) {
    case NT_PRSTATUS:
        return take_thread(notes, note);
    case NT_PRPSINFO:
        return take_process(notes, note);
    case NT_AUXV:
        return take_auxv(notes, note);
    case NT_FILE:
        return take_files(notes, note, bump);
    default:
        return true;
    }
}

/* ---- the segment ---- */

static int compare_mappings(const void *a, const void *b)
{
    const struct core_mapping *left = a, *right = b;
    return left->start < right->start ? -1 : left->start > right->start;
}

void core_notes_read(struct core_notes *notes, int fd, uint64_t offset, uint64_t bytes, struct bump *bump)
{
    uint32_t count = 0;
    Elf64_Nhdr header;
    while (bytes >= sizeof header) {
        char name[sizeof "CORE"] = "";
        if (count++ == NOTES_MAX || !core_read_file(fd, &header, sizeof header, offset)) {
            notes->untrusted++;
            break;
        }
        uint64_t name_bytes = align_up(header.n_namesz, 4), content_bytes = align_up(header.n_descsz, 4);
        if (name_bytes > bytes - sizeof header || header.n_descsz > bytes - sizeof header - name_bytes) {
            notes->untrusted++;
            break;
        }
        struct note note = {fd, header.n_type, offset + sizeof header + name_bytes, header.n_descsz};
        /* Other owners ("LINUX") number their notes anew. */
        bool is_core = header.n_namesz == sizeof name &&
                       core_read_file(fd, name, sizeof name, offset + sizeof header) &&
                       memcmp(name, "CORE", sizeof name) == 0;
        if (is_core && !take_note(notes, &note, bump))
            notes->untrusted++;
        uint64_t step = min_u64(sizeof header + name_bytes + content_bytes, bytes);
        offset += step;
        bytes -= step;
    }
    if (notes->mappings != NULL)
        qsort(notes->mappings, notes->mappings_count, sizeof notes->mappings[0], compare_mappings);
}

const struct core_mapping *core_notes_mapping(const struct core_notes *notes, uintptr_t address)
{
    uint64_t low = 0, high = notes->mappings_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (notes->mappings[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == notes->mappings_count || notes->mappings[low].start > address)
        return NULL;
    return &notes->mappings[low];
}
