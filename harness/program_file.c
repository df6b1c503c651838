/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a program's file. It is hostile: counts have limits, offsets are held against the file by pread itself.
 *
 * Of a position independent program the file has zeros where the loader puts addresses; those of the module itself
 * (R_X86_64_RELATIVE, R_AARCH64_RELATIVE) are all that a Go runtime is found by.
 */
#include "harness/program_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/units.h"

#define PIE_BIAS 0x555555554000ull

enum { PAGE_BYTES = 4096, DYNAMIC_ENTRIES_MAX = 512, RELOCATIONS_MAX = 1 << 24, RELOCATIONS_AT_ONCE = 1024 };

/* ---- memory ---- */

static bool read_file(const struct program_file *file, void *buffer, uint64_t bytes, uint64_t offset)
{
    return offset <= INT64_MAX && pread(file->fd, buffer, bytes, (off_t)offset) == (ssize_t)bytes;
}

static const Elf64_Phdr *segment_of(const struct program_file *file, uint64_t address)
{
    for (uint32_t i = 0; i < file->segments_count; i++) {
        const Elf64_Phdr *segment = &file->segments[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_memsz)
            return segment;
    }
    return NULL;
}

/* How many bytes from `address` on lie beside a segment, in a page that it shares. What the loader puts there (more of
 * the file, or zeros) belongs to nobody: it reads as zeros. */
static uint64_t padding_at(const struct program_file *file, uint64_t address)
{
    uint64_t next = align_down(address, PAGE_BYTES) + PAGE_BYTES;
    bool is_padding = false;
    for (uint32_t i = 0; i < file->segments_count; i++) {
        const Elf64_Phdr *segment = &file->segments[i];
        uint64_t end;
        if (segment->p_type != PT_LOAD || segment->p_memsz == 0 ||
            __builtin_add_overflow(segment->p_vaddr, segment->p_memsz, &end))
            continue;
        is_padding |= address >= align_down(segment->p_vaddr, PAGE_BYTES) && address < align_up(end, PAGE_BYTES);
        if (segment->p_vaddr > address)
            next = min_u64(next, segment->p_vaddr);
    }
    return is_padding ? next - address : 0;
}

/* Index of the first relocation at or above `address`. */
static uint64_t find_relocation(const struct program_file *file, uint64_t address)
{
    uint64_t low = 0, high = file->relocations_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (file->relocations[middle].address >= address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* One that begins before the piece may reach into it, and one in it reach beyond. */
static void relocate(const struct program_file *file, uint64_t address, uint8_t *buffer, uint64_t bytes)
{
    uint64_t first = address < sizeof(uint64_t) ? 0 : address - sizeof(uint64_t) + 1;
    for (uint64_t i = find_relocation(file, first); i < file->relocations_count; i++) {
        const struct program_relocation *relocation = &file->relocations[i];
        if (relocation->address >= address + bytes)
            return;
        uint64_t value = relocation->value + file->bias;
        for (unsigned k = 0; k < sizeof value; k++) {
            uint64_t at = relocation->address + k;
            if (at >= address && at - address < bytes)
                buffer[at - address] = (uint8_t)(value >> 8 * k);
        }
    }
}

static int read_piece(const struct program_file *file, uint64_t address, uint8_t *buffer, uint64_t bytes)
{
    const Elf64_Phdr *segment = segment_of(file, address);
    uint64_t skipped = address - segment->p_vaddr;
    uint64_t in_file = skipped < segment->p_filesz ? min_u64(bytes, segment->p_filesz - skipped) : 0;
    if (in_file != 0 && !read_file(file, buffer, in_file, segment->p_offset + skipped))
        return -EIO;
    memset(buffer + in_file, 0, bytes - in_file);
    relocate(file, address, buffer, bytes);
    return 0;
}

static int read_program(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes)
{
    const struct program_file *file = (const struct program_file *)reader;
    uint8_t *out = buffer;
    uint64_t at = address - file->bias;
    while (bytes > 0) {
        const Elf64_Phdr *segment = segment_of(file, at);
        uint64_t there = segment != NULL ? segment->p_memsz - (at - segment->p_vaddr) : padding_at(file, at);
        uint64_t piece = min_u64(bytes, there);
        if (piece == 0)
            return -EFAULT;
        int error = 0;
        if (segment != NULL)
            error = read_piece(file, at, out, piece);
        else
            memset(out, 0, piece);
        if (error != 0)
            return error;
        out += piece;
        at += piece;
        bytes -= piece;
    }
    return 0;
}

/* ---- relocations ---- */

static bool is_relative(const struct program_file *file, const Elf64_Rela *entry)
{
    uint64_t type = ELF64_R_TYPE(entry->r_info);
    return type == (file->header.e_machine == EM_AARCH64 ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE);
}

static int compare(const void *a, const void *b)
{
    const struct program_relocation *left = a, *right = b;
    return left->address < right->address ? -1 : left->address > right->address;
}

static void read_relocations(struct program_file *file, uint64_t address, uint64_t bytes, struct bump *bump)
{
    Elf64_Rela entries[RELOCATIONS_AT_ONCE];
    uint64_t count = bytes / sizeof entries[0];
    if (count == 0 || count > RELOCATIONS_MAX)
        return;
    file->relocations = bump_take(bump, count * sizeof file->relocations[0]);
    if (file->relocations == NULL)
        return;
    uint64_t kept = 0;
    for (uint64_t first = 0; first < count; first += RELOCATIONS_AT_ONCE) {
        uint64_t some = min_u64(count - first, RELOCATIONS_AT_ONCE);
        if (read_program(&file->reader, address + file->bias + first * sizeof entries[0], entries,
                         some * sizeof entries[0]) != 0)
            break;
        for (uint64_t i = 0; i < some; i++) {
            if (is_relative(file, &entries[i]))
                file->relocations[kept++] =
                    (struct program_relocation){entries[i].r_offset, (uint64_t)entries[i].r_addend};
        }
    }
    qsort(file->relocations, kept, sizeof file->relocations[0], compare);
    file->relocations_count = kept;
}

static void read_dynamic(struct program_file *file, const Elf64_Phdr *dynamic, struct bump *bump)
{
    uint64_t address = 0, bytes = 0;
    for (uint64_t i = 0; i < DYNAMIC_ENTRIES_MAX; i++) {
        Elf64_Dyn entry;
        if (read_program(&file->reader, dynamic->p_vaddr + file->bias + i * sizeof entry, &entry, sizeof entry) != 0 ||
            entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_RELA)
            address = entry.d_un.d_ptr;
        else if (entry.d_tag == DT_RELASZ)
            bytes = entry.d_un.d_val;
    }
    if (file->bias != 0)
        read_relocations(file, address, bytes, bump);
}

/* ---- headers ---- */

static void read_loader(struct program_file *file, const Elf64_Phdr *segment)
{
    uint64_t bytes = min_u64(segment->p_filesz, sizeof file->loader - 1);
    if (!read_file(file, file->loader, bytes, segment->p_offset))
        bytes = 0;
    file->loader[bytes] = '\0';
}

static bool find_symbols(const struct program_file *file)
{
    Elf64_Shdr section;
    if (file->header.e_shentsize != sizeof section)
        return false;
    for (uint64_t i = 0; i < file->header.e_shnum; i++) {
        if (!read_file(file, &section, sizeof section, file->header.e_shoff + i * sizeof section))
            return false;
        if (section.sh_type == SHT_SYMTAB)
            return true;
    }
    return false;
}

static void read_segments(struct program_file *file, struct bump *bump)
{
    const Elf64_Ehdr *header = &file->header;
    uint32_t count = header->e_phnum < PROGRAM_SEGMENTS_MAX ? header->e_phnum : PROGRAM_SEGMENTS_MAX;
    if (header->e_phentsize != sizeof file->segments[0] ||
        !read_file(file, file->segments, count * sizeof file->segments[0], header->e_phoff))
        return;
    file->segments_count = count;
    file->bias = header->e_type == ET_DYN ? PIE_BIAS : 0;
    bool has_base = false;
    for (uint32_t i = 0; i < count; i++) {
        if (file->segments[i].p_type == PT_LOAD && !has_base) {
            file->base = align_down(file->segments[i].p_vaddr, PAGE_BYTES) + file->bias;
            has_base = true;
        }
        if (file->segments[i].p_type == PT_INTERP)
            read_loader(file, &file->segments[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (file->segments[i].p_type == PT_DYNAMIC)
            read_dynamic(file, &file->segments[i], bump);
    }
}

static void read_headers(struct program_file *file, struct bump *bump)
{
    ssize_t got = pread(file->fd, file->front, sizeof file->front, 0);
    file->is_elf = got >= EI_NIDENT + 4 && memcmp(file->front, ELFMAG, SELFMAG) == 0;
    if (!file->is_elf)
        return;
    memcpy(&file->header, file->front, sizeof file->header);
    file->is_64_bit = got == sizeof file->header && file->header.e_ident[EI_CLASS] == ELFCLASS64 &&
                      file->header.e_ident[EI_DATA] == ELFDATA2LSB;
    if (!file->is_64_bit)
        return;
    read_segments(file, bump);
    file->has_symbols = find_symbols(file);
}

/* ---- the whole ---- */

/* O_NONBLOCK: a FIFO of that name does not hold us up. */
bool program_file_open(struct program_file *file, const char *path, struct bump *bump, struct error *error)
{
    *file = (struct program_file){.reader = {read_program}};
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0)
        return error_set(error, "cannot be opened: %s", strerror(errno));
    if (fstat(file->fd, &file->status) != 0 || !S_ISREG(file->status.st_mode)) {
        close(file->fd);
        return error_set(error, "is no regular file; name a program or a process id");
    }
    read_headers(file, bump);
    return true;
}

void program_file_close(struct program_file *file)
{
    close(file->fd);
}
