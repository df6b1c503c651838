/* SPDX-License-Identifier: Apache-2.0
 *
 * Building the made-up core.
 */
#include "tests/unit/support/made_core.h"

#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

static void *take(struct made_core *core, uint64_t bytes)
{
    if (bytes > MADE_CORE_BYTES - core->count)
        abort();
    void *piece = core->bytes + core->count;
    core->count += bytes;
    return piece;
}

static void align(struct made_core *core, uint64_t bytes)
{
    take(core, (bytes - core->count % bytes) % bytes);
}

static void put(struct made_core *core, const void *content, uint64_t bytes)
{
    if (content != NULL)
        memcpy(take(core, bytes), content, bytes);
    else
        take(core, bytes);
}

/* The header of a note whose content is put behind it; note_end fills its size in. */
static Elf64_Nhdr *begin_note(struct made_core *core, const char *owner, uint32_t type)
{
    align(core, 4);
    Elf64_Nhdr *header = take(core, sizeof *header);
    *header = (Elf64_Nhdr){.n_namesz = (uint32_t)strlen(owner) + 1, .n_type = type};
    put(core, owner, header->n_namesz);
    align(core, 4);
    return header;
}

static void end_note(struct made_core *core, Elf64_Nhdr *header)
{
    const uint8_t *content = (const uint8_t *)(header + 1) + (header->n_namesz + 3) / 4 * 4;
    header->n_descsz = (uint32_t)(core->bytes + core->count - content);
    align(core, 4);
}

static void put_note(struct made_core *core, const char *owner, uint32_t type, const void *content, uint64_t bytes)
{
    Elf64_Nhdr *header = begin_note(core, owner, type);
    put(core, content, bytes);
    end_note(core, header);
}

static void put_u64(struct made_core *core, uint64_t value)
{
    put(core, &value, sizeof value);
}

static void put_files(struct made_core *core, const struct made_core_plan *plan)
{
    Elf64_Nhdr *header = begin_note(core, "CORE", NT_FILE);
    put_u64(core, plan->mappings_count);
    put_u64(core, MADE_PAGE_BYTES);
    for (uint32_t i = 0; i < plan->mappings_count; i++) {
        put_u64(core, plan->mappings[i].start);
        put_u64(core, plan->mappings[i].end);
        put_u64(core, plan->mappings[i].file_offset_pages);
    }
    for (uint32_t i = 0; i < plan->mappings_count; i++)
        put(core, plan->mappings[i].name, strlen(plan->mappings[i].name) + 1);
    end_note(core, header);
}

static void put_notes(struct made_core *core, const struct made_core_plan *plan)
{
    core->notes = core->count;
    for (uint32_t i = 0; i < plan->threads; i++) {
        struct elf_prstatus status = {.pr_pid = MADE_CORE_PID + (int)i};
        put_note(core, "CORE", NT_PRSTATUS, &status, sizeof status);
        if (i == 0 && plan->comm != NULL) {
            struct elf_prpsinfo info = {.pr_pid = MADE_CORE_PID};
            memcpy(info.pr_fname, plan->comm, strnlen(plan->comm, sizeof info.pr_fname));
            memcpy(info.pr_psargs, plan->comm, strnlen(plan->comm, sizeof info.pr_psargs));
            put_note(core, "CORE", NT_PRPSINFO, &info, sizeof info);
        }
        put_note(core, "LINUX", NT_PRSTATUS, "other owners number their notes anew", 37);
    }
    if (plan->auxv != NULL) {
        uint64_t entries = 1;
        while (plan->auxv[entries - 1].a_type != AT_NULL)
            entries++;
        put_note(core, "CORE", NT_AUXV, plan->auxv, entries * sizeof plan->auxv[0]);
    }
    if (plan->mappings_count > 0)
        put_files(core, plan);
    core->notes_bytes = core->count - core->notes;
}

Elf64_Ehdr *made_core_header(struct made_core *core)
{
    return (Elf64_Ehdr *)core->bytes;
}

Elf64_Phdr *made_core_programs(struct made_core *core)
{
    return (Elf64_Phdr *)(core->bytes + made_core_header(core)->e_phoff);
}

static void put_header(struct made_core *core, const struct made_core_plan *plan)
{
    static const unsigned char IDENT[EI_NIDENT] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    Elf64_Ehdr *header = take(core, sizeof *header);
    memcpy(header->e_ident, IDENT, sizeof IDENT);
    header->e_type = ET_CORE;
    header->e_machine = EM_X86_64;
    header->e_version = EV_CURRENT;
    header->e_phoff = sizeof *header;
    header->e_ehsize = sizeof *header;
    header->e_phentsize = sizeof(Elf64_Phdr);
    header->e_phnum = plan->has_extended_count ? PN_XNUM : (uint16_t)(plan->segments_count + 1);
    take(core, (plan->segments_count + 1) * sizeof(Elf64_Phdr));
    if (plan->has_extended_count) {
        header->e_shoff = core->count;
        header->e_shnum = 1;
        header->e_shentsize = sizeof(Elf64_Shdr);
        *(Elf64_Shdr *)take(core, sizeof(Elf64_Shdr)) = (Elf64_Shdr){.sh_info = plan->segments_count + 1};
    }
}

void made_core_build(struct made_core *core, const struct made_core_plan *plan)
{
    memset(core, 0, sizeof *core);
    put_header(core, plan);
    put_notes(core, plan);
    made_core_programs(core)[0] =
        (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = core->notes, .p_filesz = core->notes_bytes};
    align(core, MADE_PAGE_BYTES);
    core->memory = core->count;
    for (uint32_t i = 0; i < plan->segments_count; i++) {
        const struct made_segment *segment = &plan->segments[i];
        made_core_programs(core)[1 + i] = (Elf64_Phdr){
            .p_type = PT_LOAD,
            .p_flags = segment->flags,
            .p_offset = core->count,
            .p_vaddr = segment->start,
            .p_filesz = segment->file_bytes,
            .p_memsz = segment->memory_bytes,
            .p_align = MADE_PAGE_BYTES,
        };
        put(core, segment->content, segment->file_bytes);
        align(core, MADE_PAGE_BYTES);
    }
}
