/* SPDX-License-Identifier: Apache-2.0
 *
 * Building the made-up Go program. Written from the Go sources named in shim/goruntime, not from what the shim reads.
 */
#include "tests/unit/support/go_image.h"

#include <string.h>

const char *const GO_IMAGE_FUNCTION_NAMES[GO_IMAGE_FUNCTIONS] = {
    "shop/runtime.madvise", "runtime.madvise.func1",  "runtime.mmap",        "runtime.madvise",
    "runtime.exit",         "runtime.gcTrigger.test", "runtime.profilealloc"};

static const uint8_t MADVISE_1_17[] = {0x48, 0x8b, 0x7c, 0x24, 0x08, 0x48, 0x8b, 0x74, 0x24, 0x10,
                                       0x8b, 0x54, 0x24, 0x18, 0x48, 0xc7, 0xc0, 0x1c, 0x00, 0x00,
                                       0x00, 0x0f, 0x05, 0x89, 0x44, 0x24, 0x20, 0xc3};
static const uint8_t MADVISE_1_27[] = {0x48, 0x8b, 0x7c, 0x24, 0x08, 0x48, 0x8b, 0x74, 0x24, 0x10, 0x8b, 0x54, 0x24,
                                       0x18, 0xb8, 0x1c, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x89, 0x44, 0x24, 0x20, 0xc3};

enum { INT3 = 0xcc, NOTE = 0xf00, PROGRAMS = 6, SECTIONS = 0x9000 };

void go_image_put_u64(struct go_image *image, uint64_t offset, uint64_t value)
{
    memcpy(image->bytes + offset, &value, sizeof value);
}

void go_image_put_u32(struct go_image *image, uint64_t offset, uint32_t value)
{
    memcpy(image->bytes + offset, &value, sizeof value);
}

uint64_t go_image_get_u64(const struct go_image *image, uint64_t offset)
{
    uint64_t value;
    memcpy(&value, image->bytes + offset, sizeof value);
    return value;
}

Elf64_Ehdr *go_image_header(struct go_image *image)
{
    return (Elf64_Ehdr *)image->bytes;
}

Elf64_Phdr *go_image_programs(struct go_image *image)
{
    return (Elf64_Phdr *)(image->bytes + sizeof(Elf64_Ehdr));
}

Elf64_Shdr *go_image_sections(struct go_image *image)
{
    return (Elf64_Shdr *)(image->bytes + SECTIONS);
}

uintptr_t go_image_function(const struct go_image *image, unsigned index)
{
    return image->base + GO_IMAGE_TEXT + index * GO_IMAGE_FUNCTION_BYTES;
}

/* The address that the file gives to `offset`. */
static uint64_t file_address(const struct go_image *image, uint64_t offset)
{
    return image->kind.is_fixed ? image->base + offset : offset;
}

static void put_header(struct go_image *image)
{
    static const unsigned char IDENT[EI_NIDENT] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    Elf64_Ehdr *header = go_image_header(image);
    memcpy(header->e_ident, IDENT, sizeof IDENT);
    header->e_type = image->kind.is_fixed ? ET_EXEC : ET_DYN;
    header->e_machine = EM_X86_64;
    header->e_version = EV_CURRENT;
    header->e_phoff = sizeof *header;
    header->e_phentsize = sizeof(Elf64_Phdr);
    header->e_phnum = PROGRAMS;
    header->e_ehsize = sizeof *header;
    header->e_shoff = SECTIONS;
    header->e_shentsize = sizeof(Elf64_Shdr);
    header->e_shnum = GO_IMAGE_SECTIONS;
    header->e_shstrndx = GO_IMAGE_SECTIONS - 1;
}

static void put_program(struct go_image *image, unsigned index, uint32_t type, uint32_t flags, uint64_t offset,
                        uint64_t file_bytes, uint64_t memory_bytes)
{
    go_image_programs(image)[index] = (Elf64_Phdr){
        .p_type = type,
        .p_flags = flags,
        .p_offset = offset,
        .p_vaddr = file_address(image, offset),
        .p_paddr = file_address(image, offset),
        .p_filesz = file_bytes,
        .p_memsz = memory_bytes,
        .p_align = 0x1000,
    };
}

static void put_programs(struct go_image *image)
{
    put_program(image, 0, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0);
    put_program(image, 1, PT_NOTE, PF_R, NOTE, 36, 36);
    put_program(image, 2, PT_LOAD, PF_R | PF_X, 0, 0x2000, 0x2000);
    put_program(image, 3, PT_LOAD, PF_R, GO_IMAGE_PCLNTAB, 0x4000, 0x4000);
    put_program(image, 4, PT_LOAD, PF_R | PF_W, GO_IMAGE_BUILDINFO, 0x2000, 0x3000);
    put_program(image, 5, PT_DYNAMIC, PF_R | PF_W, GO_IMAGE_DYNAMIC, 32, 32);
    go_image_put_u64(image, GO_IMAGE_DYNAMIC, image->kind.needs_libraries ? DT_NEEDED : DT_DEBUG);
    static const Elf64_Nhdr NOTE_HEADER = {4, 20, NT_GNU_BUILD_ID};
    memcpy(image->bytes + NOTE, &NOTE_HEADER, sizeof NOTE_HEADER);
    memcpy(image->bytes + NOTE + sizeof NOTE_HEADER, "GNU", 4);
    for (int i = 0; i < 20; i++)
        image->bytes[NOTE + sizeof NOTE_HEADER + 4 + i] = (uint8_t)(0xa0 + i);
}

static void put_text(struct go_image *image)
{
    uint8_t *text = image->bytes + GO_IMAGE_TEXT;
    memset(text, INT3, 0x1000);
    for (unsigned i = 0; i < GO_IMAGE_FUNCTIONS; i++)
        memset(text + i * GO_IMAGE_FUNCTION_BYTES, 0x90, 40);
    uint8_t *madvise = text + GO_IMAGE_MADVISE * GO_IMAGE_FUNCTION_BYTES;
    memset(madvise, INT3, GO_IMAGE_FUNCTION_BYTES);
    if (image->kind.is_madvise_1_27)
        memcpy(madvise, MADVISE_1_27, sizeof MADVISE_1_27);
    else
        memcpy(madvise, MADVISE_1_17, sizeof MADVISE_1_17);
}

/* cmd/link/internal/ld/pcln.go:generatePCHeader, writeFuncs; 1.16: the same file at go1.17 */
static void put_table(struct go_image *image)
{
    static const uint32_t MAGICS[] = {0xfffffffa, 0xfffffff0, 0xfffffff1};
    const uint64_t at = GO_IMAGE_PCLNTAB;
    const bool is_1_16 = image->kind.format == PCLNTAB_1_16;
    const uint64_t names = is_1_16 ? 64 : 72, functions = 0x400, structs = 0x100, struct_bytes = 48;
    go_image_put_u32(image, at, MAGICS[image->kind.format]);
    image->bytes[at + 6] = 1;
    image->bytes[at + 7] = 8;
    go_image_put_u64(image, at + 8, GO_IMAGE_FUNCTIONS);
    go_image_put_u64(image, at + 16, 1);
    uint64_t offsets = at + 24;
    if (!is_1_16) {
        go_image_put_u64(image, offsets, image->kind.has_text_in_moduledata ? 0 : image->base + GO_IMAGE_TEXT);
        offsets += 8;
    }
    const uint64_t parts[] = {names, 0x300, 0x320, 0x340, functions};
    for (unsigned i = 0; i < 5; i++)
        go_image_put_u64(image, offsets + 8 * i, parts[i]);

    uint64_t name = 0;
    for (unsigned i = 0; i <= GO_IMAGE_FUNCTIONS; i++) {
        uint64_t entry = at + functions + i * (is_1_16 ? 16 : 8);
        uint64_t offset = structs + i * struct_bytes;
        uint64_t text = i * GO_IMAGE_FUNCTION_BYTES;
        if (is_1_16)
            go_image_put_u64(image, entry, image->base + GO_IMAGE_TEXT + text);
        else
            go_image_put_u32(image, entry, (uint32_t)text);
        if (i == GO_IMAGE_FUNCTIONS)
            break; /* behind the last function: only where it ends */
        if (is_1_16)
            go_image_put_u64(image, entry + 8, offset);
        else
            go_image_put_u32(image, entry + 4, (uint32_t)offset);
        uint64_t function = at + functions + offset;
        if (is_1_16)
            go_image_put_u64(image, function, image->base + GO_IMAGE_TEXT + text);
        else
            go_image_put_u32(image, function, (uint32_t)text);
        go_image_put_u32(image, function + (is_1_16 ? 8 : 4), (uint32_t)name);
        strcpy((char *)image->bytes + at + names + name, GO_IMAGE_FUNCTION_NAMES[i]);
        name += strlen(GO_IMAGE_FUNCTION_NAMES[i]) + 1;
    }
}

/* A uvarint of two bytes and the text: what stands in a real one is longer than 127 bytes. */
static void put_module_information(struct go_image *image, uint64_t at)
{
    const char *text = image->kind.module_information;
    uint64_t bytes = text == NULL ? 0 : strlen(text);
    image->bytes[at] = (uint8_t)(0x80 | (bytes & 0x7f));
    image->bytes[at + 1] = (uint8_t)(bytes >> 7);
    memcpy(image->bytes + at + 2, text == NULL ? "" : text, bytes);
}

/* debug/buildinfo/buildinfo.go */
static void put_buildinfo(struct go_image *image)
{
    const uint64_t at = GO_IMAGE_BUILDINFO, string = at + 0x100, text = at + 0x120;
    uint64_t bytes = strlen(image->kind.version);
    memcpy(image->bytes + at, "\xff Go buildinf:", 14);
    image->bytes[at + 14] = 8;
    if (image->kind.is_version_inline) {
        image->bytes[at + 15] = 2;
        image->bytes[at + 32] = (uint8_t)bytes;
        memcpy(image->bytes + at + 33, image->kind.version, bytes);
        put_module_information(image, at + 33 + bytes);
        return;
    }
    go_image_put_u64(image, at + 16, image->base + string);
    go_image_put_u64(image, string, image->base + text);
    go_image_put_u64(image, string + 8, bytes);
    memcpy(image->bytes + text, image->kind.version, bytes);
}

/* runtime/symtab.go:moduledata */
static void put_moduledata(struct go_image *image)
{
    uint64_t names = image->kind.format == PCLNTAB_1_16 ? 64 : 72;
    go_image_put_u64(image, GO_IMAGE_MODULE, image->base + GO_IMAGE_PCLNTAB);
    go_image_put_u64(image, GO_IMAGE_MODULE + 8, image->base + GO_IMAGE_PCLNTAB + names);
    go_image_put_u64(image, GO_IMAGE_MODULE + 176, image->base + GO_IMAGE_TEXT);
}

static void put_sections(struct go_image *image)
{
    const struct {
        const char *name;
        uint64_t flags, offset, bytes;
    } SECTIONS_OF[GO_IMAGE_SECTIONS] = {
        {"", 0, 0, 0},
        {".text", SHF_ALLOC | SHF_EXECINSTR, GO_IMAGE_TEXT, 0x1000},
        {image->kind.table_section == NULL ? ".gopclntab" : image->kind.table_section, SHF_ALLOC, GO_IMAGE_PCLNTAB,
         0x4000},
        {".go.buildinfo", SHF_ALLOC | SHF_WRITE, GO_IMAGE_BUILDINFO, 0x200},
        {".go.module", SHF_ALLOC | SHF_WRITE, GO_IMAGE_MODULE, 0x200},
        {".bss", SHF_ALLOC | SHF_WRITE, GO_IMAGE_BYTES, 0x1000},
        {".debug_info", 0, 0, 0x100},
        {".comment", 0, 0, 0x10},
        {".shstrtab", 0, GO_IMAGE_NAMES, 0x100},
    };
    uint32_t name = 0;
    for (unsigned i = 0; i < GO_IMAGE_SECTIONS; i++) {
        go_image_sections(image)[i] = (Elf64_Shdr){
            .sh_name = name,
            .sh_type = i == 0                       ? SHT_NULL
                       : i == GO_IMAGE_SECTIONS - 1 ? SHT_STRTAB
                                                    : SHT_PROGBITS,
            .sh_flags = SECTIONS_OF[i].flags,
            .sh_addr = SECTIONS_OF[i].flags & SHF_ALLOC ? file_address(image, SECTIONS_OF[i].offset) : 0,
            .sh_offset = SECTIONS_OF[i].offset,
            .sh_size = SECTIONS_OF[i].bytes,
        };
        strcpy((char *)image->bytes + GO_IMAGE_NAMES + name, SECTIONS_OF[i].name);
        name += (uint32_t)strlen(SECTIONS_OF[i].name) + 1;
    }
}

void go_image_build(struct go_image *image, const struct go_image_kind *kind, uintptr_t base)
{
    memset(image, 0, sizeof *image);
    image->kind = *kind;
    image->base = base;
    put_header(image);
    put_programs(image);
    put_text(image);
    put_table(image);
    put_buildinfo(image);
    put_moduledata(image);
    put_sections(image);
    fake_memory_open(&image->memory);
    fake_memory_add(&image->memory, base, image->bytes, GO_IMAGE_BYTES);
    fake_memory_add(&image->memory, base + GO_IMAGE_BYTES, image->bss, sizeof image->bss);
}
