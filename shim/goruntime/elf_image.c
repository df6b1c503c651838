/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading ELF headers from memory and from the file. Both are hostile: every count has a limit and every offset a
 * bound. Tables are read a few entries at a time: a discovery may be on a stack of a few KiB.
 */
#include "goruntime/elf_image.h"

#include <elf.h>
#include <string.h>

#include "memory/raw.h"
#include "memory/units.h"

enum { PROGRAMS_MAX = ELF_SEGMENTS_MAX + 16, PROGRAMS_AT_ONCE = 8, SECTIONS_AT_ONCE = 8 };
enum { PAGE_BYTES = 4096, DYNAMIC_ENTRIES_MAX = 512, NOTE_BYTES_MAX = 4096, NOTE_NAME_BYTES = 4, NOTE_GO_BUILD_ID = 4 };

static bool is_supported(const Elf64_Ehdr *header)
{
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_ident[EI_CLASS] == ELFCLASS64 &&
           header->e_ident[EI_DATA] == ELFDATA2LSB && (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
           header->e_phentsize == sizeof(Elf64_Phdr);
}

static void add_segment(struct elf_image *image, const Elf64_Phdr *program)
{
    uintptr_t start = align_down(program->p_vaddr, PAGE_BYTES) + image->bias;
    uintptr_t end = align_up(program->p_vaddr + program->p_memsz, PAGE_BYTES) + image->bias;
    if (program->p_memsz == 0 || end <= start)
        return;
    if (image->segments_count < ELF_SEGMENTS_MAX) {
        image->segments[image->segments_count++] = (struct elf_segment){
            .start = start,
            .end = end,
            .is_writable = (program->p_flags & PF_W) != 0,
            .is_executable = (program->p_flags & PF_X) != 0,
        };
    }
    image->start = image->start == 0 ? start : min_u64(image->start, start);
    image->end = max_u64(image->end, end);
}

static void read_dynamic(struct elf_image *image, const Elf64_Phdr *program)
{
    uintptr_t at = program->p_vaddr + image->bias;
    for (int i = 0; i < DYNAMIC_ENTRIES_MAX; i++, at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn entry;
        if (!reader_read(image->reader, at, &entry, sizeof entry) || entry.d_tag == DT_NULL)
            return;
        if (entry.d_tag == DT_NEEDED) {
            image->needs_libraries = true;
            return;
        }
    }
}

/* The first of each kind counts. `at` is where its name lies. */
static void read_note(struct elf_image *image, const Elf64_Nhdr *note, uintptr_t at)
{
    char name[NOTE_NAME_BYTES];
    uintptr_t content = at + sizeof name;
    if (!reader_read(image->reader, at, name, sizeof name))
        return;
    if (note->n_type == NT_GNU_BUILD_ID && memcmp(name, "GNU", sizeof name) == 0) {
        if (image->build_id_bytes == 0 && note->n_descsz <= ELF_BUILD_ID_BYTES &&
            reader_read(image->reader, content, image->build_id, note->n_descsz))
            image->build_id_bytes = note->n_descsz;
    } else if (note->n_type == NOTE_GO_BUILD_ID && memcmp(name, "Go\0", sizeof name) == 0) {
        if (image->go_build_id_bytes == 0 && note->n_descsz <= ELF_GO_BUILD_ID_BYTES &&
            reader_read(image->reader, content, image->go_build_id, note->n_descsz))
            image->go_build_id_bytes = note->n_descsz;
    }
}

static void read_notes(struct elf_image *image, const Elf64_Phdr *program)
{
    uintptr_t at = program->p_vaddr + image->bias;
    uintptr_t end = at + min_u64(program->p_memsz, NOTE_BYTES_MAX);
    Elf64_Nhdr note;
    while (at + sizeof note <= end && reader_read(image->reader, at, &note, sizeof note)) {
        uint64_t name_bytes = align_up(note.n_namesz, 4);
        uint64_t content_bytes = align_up(note.n_descsz, 4);
        at += sizeof note;
        if (name_bytes > end - at || content_bytes > end - at - name_bytes)
            return;
        if (note.n_namesz == NOTE_NAME_BYTES)
            read_note(image, &note, at);
        at += name_bytes + content_bytes;
    }
}

/* The program headers, of which a few are held. */
struct programs {
    struct reader *reader;
    uintptr_t start;
    uint64_t count, held_first, held_count;
    Elf64_Phdr held[PROGRAMS_AT_ONCE];
};

/* NULL: it cannot be read. */
static const Elf64_Phdr *program_at(struct programs *programs, uint64_t index)
{
    if (index < programs->held_first || index - programs->held_first >= programs->held_count) {
        uint64_t count = min_u64(PROGRAMS_AT_ONCE, programs->count - index);
        programs->held_first = index;
        programs->held_count = 0;
        if (!reader_read(programs->reader, programs->start + index * sizeof programs->held[0], programs->held,
                         count * sizeof programs->held[0]))
            return NULL;
        programs->held_count = count;
    }
    return &programs->held[index - programs->held_first];
}

/* The first loaded segment is the one that holds the header. NULL: there is none. */
static const Elf64_Phdr *first_loaded(struct programs *programs)
{
    for (uint64_t i = 0; i < programs->count; i++) {
        const Elf64_Phdr *program = program_at(programs, i);
        if (program == NULL || program->p_type == PT_LOAD)
            return program;
    }
    return NULL;
}

bool elf_image_read(struct elf_image *image, struct reader *reader, uintptr_t base)
{
    Elf64_Ehdr header;
    memset(image, 0, sizeof *image);
    image->reader = reader;
    image->base = base;
    if (!reader_read(reader, base, &header, sizeof header) || !is_supported(&header))
        return false;
    image->machine = header.e_machine;
    struct programs programs = {
        .reader = reader, .start = base + header.e_phoff, .count = min_u64(header.e_phnum, PROGRAMS_MAX)};
    const Elf64_Phdr *program = first_loaded(&programs);
    if (program == NULL)
        return false;
    image->bias = base - align_down(program->p_vaddr, PAGE_BYTES);
    if (header.e_type == ET_EXEC && image->bias != 0) /* somebody reads a program's file by mmap */
        return false;

    for (uint64_t i = 0; i < programs.count; i++) {
        program = program_at(&programs, i);
        if (program == NULL)
            return false;
        if (program->p_type == PT_LOAD)
            add_segment(image, program);
        else if (program->p_type == PT_DYNAMIC)
            read_dynamic(image, program);
        else if (program->p_type == PT_NOTE)
            read_notes(image, program);
    }
    return image->end > image->start;
}

/* The file must be the one in memory: a replaced file has another header. */
static bool is_same_module(const struct elf_image *image, const Elf64_Ehdr *in_file)
{
    Elf64_Ehdr in_memory;
    return reader_read(image->reader, image->base, &in_memory, sizeof in_memory) &&
           memcmp(&in_memory, in_file, sizeof in_memory) == 0;
}

static void add_section(struct elf_image *image, const Elf64_Shdr *section)
{
    uintptr_t start = section->sh_addr + image->bias;
    uintptr_t end = start + section->sh_size;
    if (!(section->sh_flags & SHF_ALLOC) || section->sh_size == 0 || section->sh_name >= ELF_SECTION_NAMES_BYTES ||
        start < image->start || end > image->end || end <= start)
        return;
    image->sections[image->sections_count++] = (struct elf_section){
        .name = section->sh_name,
        .start = start,
        .end = end,
        .is_writable = (section->sh_flags & SHF_WRITE) != 0,
        .is_executable = (section->sh_flags & SHF_EXECINSTR) != 0,
    };
}

static bool read_sections(struct elf_image *image, int fd)
{
    Elf64_Ehdr header = {0};
    Elf64_Shdr sections[SECTIONS_AT_ONCE], names;
    if (raw_pread(fd, &header, sizeof header, 0) != sizeof header || !is_same_module(image, &header) ||
        header.e_shentsize != sizeof sections[0] || header.e_shnum == 0 || header.e_shnum > ELF_SECTIONS_MAX ||
        header.e_shstrndx >= header.e_shnum)
        return false;
    if (raw_pread(fd, &names, sizeof names, header.e_shoff + header.e_shstrndx * sizeof names) != sizeof names)
        return false;
    long names_bytes = (long)min_u64(names.sh_size, ELF_SECTION_NAMES_BYTES - 1);
    if (raw_pread(fd, image->section_names, (uint64_t)names_bytes, names.sh_offset) != names_bytes)
        return false;
    for (uint32_t i = 0; i < header.e_shnum; i += SECTIONS_AT_ONCE) {
        uint32_t count = (uint32_t)min_u64(SECTIONS_AT_ONCE, header.e_shnum - i);
        long bytes = (long)(count * sizeof sections[0]);
        if (raw_pread(fd, sections, (uint64_t)bytes, header.e_shoff + i * sizeof sections[0]) != bytes) {
            image->sections_count = 0;
            return false;
        }
        for (uint32_t k = 0; k < count; k++)
            add_section(image, &sections[k]);
    }
    return true;
}

bool elf_image_read_sections(struct elf_image *image, const char *path)
{
    int fd = raw_open(path, O_RDONLY, 0);
    if (fd < 0)
        return false;
    bool is_read = read_sections(image, fd);
    raw_close(fd);
    return is_read;
}

const struct elf_section *elf_image_section(const struct elf_image *image, const char *name)
{
    for (uint32_t i = 0; i < image->sections_count; i++) {
        if (strcmp(image->section_names + image->sections[i].name, name) == 0)
            return &image->sections[i];
    }
    return NULL;
}

const struct elf_segment *elf_image_segment(const struct elf_image *image, uintptr_t address)
{
    for (uint32_t i = 0; i < image->segments_count; i++) {
        if (address >= image->segments[i].start && address < image->segments[i].end)
            return &image->segments[i];
    }
    return NULL;
}
