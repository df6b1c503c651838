/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a core: ELF header, program headers, notes, and the list of mappings made of them.
 *
 *   +------------+--------------------+-------+---------------------------------+
 *   | ELF header | program headers    | notes | memory, one PT_LOAD a mapping   |
 *   +------------+--------------------+-------+---------------------------------+
 *                  65,535 or more: e_phnum is PN_XNUM, the count stands in sh_info of section header 0
 */
#include "harness/core_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goruntime/elf_image.h"
#include "harness/core_memory.h"
#include "memory/units.h"

enum {
    PROGRAM_HEADERS_MAX = 1 << 17, /* twice vm.max_map_count's default */
    MODULES_MAX = 4096,
    BRK_DISTANCE_BYTES = 1 << 30, /* arch/x86/kernel/process.c:arch_randomize_brk */
};

/* More address space than a process has with four levels of page tables: what claims more would be walked for ever. */
#define MAPPED_BYTES_MAX (1ull << 48)

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#define MACHINE_NAME "x86-64"
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#define MACHINE_NAME "arm64"
#endif

/* ---- is it a core? ---- */

/* What packs cores (systemd-coredump and others), by the first bytes. */
static const struct {
    const char *magic, *name, *command;
} PACKERS[] = {
    {"\x28\xb5\x2f\xfd", "zstd", "zstd -d"}, {"\x1f\x8b", "gzip", "gunzip"}, {"\x04\x22\x4d\x18", "lz4", "lz4 -d"},
    {"\xfd\x37\x7a\x58\x5a", "xz", "unxz"},  {"BZh", "bzip2", "bunzip2"},
};

static bool refuse_content(const Elf64_Ehdr *header, struct error *error)
{
    for (size_t i = 0; i < sizeof PACKERS / sizeof PACKERS[0]; i++) {
        if (memcmp(header->e_ident, PACKERS[i].magic, strlen(PACKERS[i].magic)) == 0)
            return error_set(error, "is packed by %s; unpack it first ('%s FILE')", PACKERS[i].name,
                             PACKERS[i].command);
    }
    return error_set(error, "is no core file: it does not begin with an ELF header");
}

static bool check_header(const struct core_file *core, const Elf64_Ehdr *header, struct error *error)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return refuse_content(header, error);
    if (header->e_ident[EI_CLASS] != ELFCLASS64)
        return error_set(error, "is of a 32-bit process; only cores of 64-bit ones can be read");
    if (header->e_ident[EI_DATA] != ELFDATA2LSB)
        return error_set(error, "is of a big-endian machine; only cores of " MACHINE_NAME " can be read here");
    if (header->e_type != ET_CORE)
        return error_set(error, "is no core file: its ELF type is %u, not %u; EXE comes first, CORE second",
                         header->e_type, ET_CORE);
    if (header->e_machine != MACHINE)
        return error_set(error, "is of another architecture (ELF machine %u); this gopagewatch reads cores of %s",
                         header->e_machine, MACHINE_NAME);
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phoff > core->file_bytes)
        return error_set(error, "is damaged: it has no program headers (%u bytes each, at offset %" PRIu64 ")",
                         header->e_phentsize, (uint64_t)header->e_phoff);
    return true;
}

static bool count_program_headers(const struct core_file *core, const Elf64_Ehdr *header, uint64_t *count,
                                  struct error *error)
{
    Elf64_Shdr first;
    *count = header->e_phnum;
    if (header->e_phnum == PN_XNUM) {
        if (!core_read_file(core->fd, &first, sizeof first, header->e_shoff))
            return error_set(error, "is damaged: the section header that counts its program headers cannot be read");
        *count = first.sh_info;
    }
    if (*count == 0 || *count > PROGRAM_HEADERS_MAX)
        return error_set(error, "is damaged: it claims %" PRIu64 " program headers; there can be 1 to %d", *count,
                         PROGRAM_HEADERS_MAX);
    return true;
}

/* ---- mappings ---- */

static void add_vma(struct core_file *core, struct vma vma, struct core_part part)
{
    core->parts[core->vmas.count] = part;
    core->vmas.vmas[core->vmas.count++] = vma;
}

/* Where the next mapping may begin, and how much there may be of them. */
static bool is_in_order(const struct core_file *core, uintptr_t start, uintptr_t end, uint64_t *mapped_bytes)
{
    uintptr_t lowest = core->vmas.count == 0 ? 0 : core->vmas.vmas[core->vmas.count - 1].end;
    if (start < lowest || end - start > MAPPED_BYTES_MAX - *mapped_bytes)
        return false;
    *mapped_bytes += end - start;
    return true;
}

static struct core_part part_of(struct core_file *core, const Elf64_Phdr *program)
{
    struct core_part part = {min_u64(program->p_offset, core->file_bytes), program->p_filesz, true};
    part.bytes = min_u64(part.bytes, core->file_bytes - part.file_offset);
    core->cut_bytes += program->p_filesz - part.bytes;
    return part;
}

static void take_load(struct core_file *core, const Elf64_Phdr *program, uint64_t *mapped_bytes)
{
    uint64_t end;
    uint64_t page_mask = core->notes.os_page_bytes - 1;
    if (program->p_memsz == 0)
        return;
    if (__builtin_add_overflow(program->p_vaddr, program->p_memsz, &end) ||
        ((program->p_vaddr | program->p_memsz) & page_mask) != 0 || program->p_filesz > program->p_memsz ||
        !is_in_order(core, program->p_vaddr, end, mapped_bytes)) {
        core->untrusted++;
        return;
    }
    struct vma vma = {
        .start = program->p_vaddr,
        .end = end,
        .is_readable = (program->p_flags & PF_R) != 0,
        .is_writable = (program->p_flags & PF_W) != 0,
        .is_executable = (program->p_flags & PF_X) != 0,
        .name = "",
    };
    add_vma(core, vma, part_of(core, program));
}

/* gdb makes no PT_LOAD for what it leaves out: mappings of files that nobody has changed. */
static void take_mapping(struct core_file *core, const struct core_mapping *mapping, uint64_t *mapped_bytes)
{
    uint64_t page_mask = core->notes.os_page_bytes - 1;
    if (((mapping->start | mapping->end) & page_mask) == 0 &&
        is_in_order(core, mapping->start, mapping->end, mapped_bytes))
        add_vma(core, (struct vma){.start = mapping->start, .end = mapping->end, .is_readable = true, .name = ""},
                (struct core_part){.is_load = false});
}

/* Both are sorted by address. */
static void merge(struct core_file *core, const Elf64_Phdr *loads, uint64_t count)
{
    uint64_t mapped_bytes = 0, next = 0;
    for (uint64_t i = 0; i < core->notes.mappings_count; i++) {
        const struct core_mapping *mapping = &core->notes.mappings[i];
        for (; next < count && loads[next].p_vaddr <= mapping->start; next++)
            take_load(core, &loads[next], &mapped_bytes);
        if (next == count || mapping->end <= loads[next].p_vaddr)
            take_mapping(core, mapping, &mapped_bytes);
    }
    for (; next < count; next++)
        take_load(core, &loads[next], &mapped_bytes);
}

/* FNV-1a. Mappings of one name are of one file: the core tells no inode. */
static uint64_t inode_of(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
    return hash | 1;
}

static void name_files(struct core_file *core)
{
    for (uint64_t i = 0; i < core->vmas.count; i++) {
        struct vma *vma = &core->vmas.vmas[i];
        const struct core_mapping *mapping = core_notes_mapping(&core->notes, vma->start);
        if (mapping == NULL)
            continue;
        vma->name = mapping->name;
        vma->inode = inode_of(mapping->name);
        vma->file_offset_bytes = mapping->file_offset_bytes + (vma->start - mapping->start);
    }
}

static struct vma *vma_at(const struct core_file *core, uintptr_t address)
{
    uint64_t index;
    return core_find_part(core, address, &index) ? &core->vmas.vmas[index] : NULL;
}

/* Pages of the kernel's: [vdso], [vvar] right below, and [vsyscall] in the kernel's half of address space. */
static void name_kernel_pages(struct core_file *core)
{
    struct vma *vdso = vma_at(core, core->notes.vdso);
    if (vdso != NULL && !vma_is_file(vdso)) {
        vdso->name = "[vdso]";
        for (struct vma *vma = vdso; vma > core->vmas.vmas; vma--) {
            struct vma *below = vma - 1;
            if (below->end != vma->start || vma_is_file(below) || below->is_writable || !below->is_readable)
                break;
            below->name = "[vvar]";
        }
    }
    for (struct vma *vma = core->vmas.vmas + core->vmas.count; vma-- > core->vmas.vmas && vma->start > INTPTR_MAX;)
        vma->name = "[vsyscall]";
}

/* The brk heap is the only thing that the kernel puts behind the program. */
static void name_heap(struct core_file *core)
{
    struct elf_image image;
    if (!elf_image_read(&image, &core->reader, core->program->start))
        return;
    const struct vma *end = core->vmas.vmas + core->vmas.count;
    struct vma *next = core->vmas.vmas + (core->program - core->vmas.vmas);
    while (next < end && next->start < image.end)
        next++;
    if (next < end && next->start - image.end <= BRK_DISTANCE_BYTES && !vma_is_file(next) && next->is_readable &&
        next->is_writable && !next->is_executable)
        next->name = "[heap]";
}

/* Where no PT_LOAD told them, by the headers of the module. */
static void find_permissions(struct core_file *core)
{
    struct vma *const end = core->vmas.vmas + core->vmas.count;
    uint32_t modules = 0;
    for (struct vma *front = core->vmas.vmas; front < end && modules < MODULES_MAX; front++) {
        struct elf_image image;
        if (!vma_is_file(front) || front->file_offset_bytes != 0 ||
            !elf_image_read(&image, &core->reader, front->start))
            continue;
        modules++;
        for (struct vma *vma = front; vma < end && vma_is_same_file(vma, front); vma++) {
            const struct elf_segment *segment = elf_image_segment(&image, vma->start);
            if (!core->parts[vma - core->vmas.vmas].is_load && segment != NULL) {
                vma->is_executable = segment->is_executable;
                vma->is_writable = segment->is_writable;
            }
        }
    }
}

static void name_vmas(struct core_file *core)
{
    name_files(core);
    find_permissions(core);
    struct vma *stack = vma_at(core, core->notes.random);
    if (stack != NULL && !vma_is_file(stack))
        stack->name = "[stack]";
    name_kernel_pages(core);
    const struct vma *program = vma_at(core, core->notes.program_headers);
    core->program = program == NULL ? NULL : vma_front_of_file(&core->vmas, program);
    if (core->program != NULL)
        name_heap(core);
}

/* ---- the whole ---- */

static int compare_loads(const void *a, const void *b)
{
    const Elf64_Phdr *left = a, *right = b;
    return left->p_vaddr < right->p_vaddr ? -1 : left->p_vaddr > right->p_vaddr;
}

static bool read_notes(struct core_file *core, const Elf64_Phdr *programs, uint64_t count, struct bump *bump,
                       struct error *error)
{
    for (uint64_t i = 0; i < count; i++) {
        const Elf64_Phdr *program = &programs[i];
        if (program->p_type != PT_NOTE)
            continue;
        if (program->p_offset > core->file_bytes || program->p_filesz > core->file_bytes - program->p_offset)
            return error_set(error,
                             "is cut off: its notes end at byte %" PRIu64 ", the file at %" PRIu64
                             "; make it anew with enough room (ulimit -c unlimited)",
                             (uint64_t)(program->p_offset + program->p_filesz), core->file_bytes);
        core_notes_read(&core->notes, core->fd, program->p_offset, program->p_filesz, bump);
    }
    if (core->notes.os_page_bytes == 0)
        core->notes.os_page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

static bool read_program_headers(struct core_file *core, Elf64_Phdr **programs, uint64_t *count, struct bump *bump,
                                 struct error *error)
{
    Elf64_Ehdr header = {0};
    /* A short file is judged by what it has. */
    if (pread(core->fd, &header, sizeof header, 0) < 0)
        return error_set(error, "cannot be read: %s; copy it to another place", strerror(errno));
    if (!check_header(core, &header, error) || !count_program_headers(core, &header, count, error))
        return false;
    *programs = bump_take(bump, *count * sizeof **programs);
    if (*programs == NULL)
        return error_set(error, "has too many mappings: no memory for %" PRIu64 " of them", *count);
    if (!core_read_file(core->fd, *programs, *count * sizeof **programs, header.e_phoff))
        return error_set(error, "is cut off: %" PRIu64 " program headers do not fit into its %" PRIu64 " bytes", *count,
                         core->file_bytes);
    return true;
}

static bool read_tables(struct core_file *core, struct bump *bump, struct error *error)
{
    Elf64_Phdr *programs = NULL;
    uint64_t count = 0, loads = 0;
    if (!read_program_headers(core, &programs, &count, bump, error) || !read_notes(core, programs, count, bump, error))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (programs[i].p_type == PT_LOAD)
            programs[loads++] = programs[i];
    }
    if (loads > 0)
        qsort(programs, loads, sizeof *programs, compare_loads);
    core->vmas.vmas = bump_take(bump, (loads + core->notes.mappings_count) * sizeof core->vmas.vmas[0]);
    core->parts = bump_take(bump, (loads + core->notes.mappings_count) * sizeof core->parts[0]);
    if (core->vmas.vmas == NULL || core->parts == NULL)
        return error_set(error, "has too many mappings: no memory for %" PRIu64 " of them", loads);
    merge(core, programs, loads);
    if (core->vmas.count == 0)
        return error_set(error, "is damaged: it holds no memory (%" PRIu64 " program headers)", count);
    return true;
}

static bool open_file(struct core_file *core, const char *path, struct error *error)
{
    struct stat status;
    /* A FIFO must not keep us waiting. */
    core->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (core->fd < 0)
        return error_set(error, "cannot be opened: %s", strerror(errno));
    if (fstat(core->fd, &status) != 0 || !S_ISREG(status.st_mode))
        return error_set(error, "is no regular file");
    core->file_bytes = (uint64_t)status.st_size;
    return true;
}

bool core_file_open(struct core_file *core, const char *path, struct bump *bump, struct error *error)
{
    memset(core, 0, sizeof *core);
    core_memory_open(core);
    if (!open_file(core, path, error) || !read_tables(core, bump, error)) {
        core_file_close(core);
        return false;
    }
    core->untrusted += core->notes.untrusted;
    core->knows_residency = core_has_holes(core);
    name_vmas(core);
    return true;
}

void core_file_close(struct core_file *core)
{
    for (uint32_t i = 0; i < core->stand_ins_count; i++) {
        if (core->stand_ins[i].fd >= 0)
            close(core->stand_ins[i].fd);
    }
    core->stand_ins_count = 0;
    if (core->fd >= 0)
        close(core->fd);
    core->fd = -1;
}
