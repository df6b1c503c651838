/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading ELF headers: what is found in a sound image, and that counts, offsets and addresses that lie find nothing and
 * break nothing.
 */
#include "goruntime/elf_image.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "tests/unit/support/files.h"
#include "tests/unit/support/go_image.h"
#include "tests/unit/support/random.h"

enum { BASE = 0x555555554000 };

static const struct go_image_kind KIND = {
    .format = PCLNTAB_1_20, .needs_libraries = true, .is_version_inline = true, .version = "go1.25.1"};
static struct go_image image;
static struct elf_image elf;

static bool read_sections(void)
{
    struct memory_file file = memory_file_make(image.bytes, sizeof image.bytes);
    bool is_read = elf_image_read_sections(&elf, file.path);
    memory_file_close(&file);
    return is_read;
}

Test(elf_image, finds_segments_bounds_needed_libraries_and_build_id)
{
    for (int is_fixed = 0; is_fixed < 2; is_fixed++) {
        struct go_image_kind kind = KIND;
        kind.is_fixed = is_fixed;
        go_image_build(&image, &kind, is_fixed ? 0x400000 : BASE);
        cr_assert(elf_image_read(&elf, &image.memory.reader, image.base));
        cr_expect_eq(elf.base, image.base);
        cr_expect_eq(elf.bias, is_fixed ? 0 : image.base);
        cr_expect_eq(elf.start, image.base);
        cr_expect_eq(elf.end, image.base + GO_IMAGE_MEMORY_BYTES, ".bss belongs to the image");
        cr_expect_eq(elf.machine, EM_X86_64);
        cr_expect(elf.needs_libraries);
        cr_assert_eq(elf.segments_count, 3);
        const struct elf_segment EXPECTED[] = {{image.base, image.base + 0x2000, false, true},
                                               {image.base + 0x2000, image.base + 0x6000, false, false},
                                               {image.base + 0x6000, image.base + 0x9000, true, false}};
        for (int i = 0; i < 3; i++) {
            cr_expect_eq(elf.segments[i].start, EXPECTED[i].start);
            cr_expect_eq(elf.segments[i].end, EXPECTED[i].end);
            cr_expect_eq(elf.segments[i].is_writable, EXPECTED[i].is_writable);
            cr_expect_eq(elf.segments[i].is_executable, EXPECTED[i].is_executable);
        }
        cr_assert_eq(elf.build_id_bytes, 20);
        cr_expect_eq(elf.build_id[0], 0xa0);
        cr_expect_eq(elf.build_id[19], 0xb3);
        cr_expect(elf_image_holds(&elf, elf.start));
        cr_expect(elf_image_holds(&elf, elf.end - 1));
        cr_expect_not(elf_image_holds(&elf, elf.end));
        cr_expect_not(elf_image_holds(&elf, elf.start - 1));
    }
}

Test(elf_image, needs_no_libraries_without_that_entry)
{
    struct go_image_kind kind = KIND;
    kind.needs_libraries = false;
    go_image_build(&image, &kind, BASE);
    cr_assert(elf_image_read(&elf, &image.memory.reader, BASE));
    cr_expect_not(elf.needs_libraries);
}

static void be_32_bit(void)
{
    image.bytes[EI_CLASS] = ELFCLASS32;
}

static void be_big_endian(void)
{
    image.bytes[EI_DATA] = ELFDATA2MSB;
}

static void lose_magic(void)
{
    image.bytes[0] = 0;
}

static void be_an_object_file(void)
{
    go_image_header(&image)->e_type = ET_REL;
}

static void have_other_program_headers(void)
{
    go_image_header(&image)->e_phentsize = 32;
}

static void have_no_program_headers(void)
{
    go_image_header(&image)->e_phnum = 0;
}

static void have_program_headers_elsewhere(void)
{
    go_image_header(&image)->e_phoff = GO_IMAGE_MEMORY_BYTES - 8;
}

static void have_program_headers_far_away(void)
{
    go_image_header(&image)->e_phoff = UINT64_MAX - 4096;
}

static void load_nothing(void)
{
    for (int i = 0; i < 6; i++)
        go_image_programs(&image)[i].p_type = PT_NULL;
}

static void load_empty_segments(void)
{
    for (int i = 2; i < 5; i++)
        go_image_programs(&image)[i].p_memsz = 0;
}

static void load_segments_that_wrap(void)
{
    for (int i = 2; i < 5; i++)
        go_image_programs(&image)[i].p_memsz = UINT64_MAX - go_image_programs(&image)[i].p_vaddr;
}

Test(elf_image, refuses_what_is_no_64_bit_little_endian_image)
{
    static void (*const DAMAGES[])(void) = {
        be_32_bit,
        be_big_endian,
        lose_magic,
        be_an_object_file,
        have_other_program_headers,
        have_no_program_headers,
        have_program_headers_elsewhere,
        have_program_headers_far_away,
        load_nothing,
        load_empty_segments,
    };
    for (unsigned i = 0; i < sizeof DAMAGES / sizeof DAMAGES[0]; i++) {
        go_image_build(&image, &KIND, BASE);
        DAMAGES[i]();
        cr_expect_not(elf_image_read(&elf, &image.memory.reader, BASE), "damage %u", i);
    }
    go_image_build(&image, &KIND, BASE);
    load_segments_that_wrap();
    elf_image_read(&elf, &image.memory.reader, BASE); /* either answer, but no fault */
    cr_expect_not(elf_image_read(&elf, &image.memory.reader, BASE + 0x100000), "nothing is mapped there");
}

Test(elf_image, more_program_headers_than_fit_are_left_out)
{
    go_image_build(&image, &KIND, BASE);
    go_image_header(&image)->e_phnum = 0xffff;
    cr_assert(elf_image_read(&elf, &image.memory.reader, BASE));
    cr_expect_leq(elf.segments_count, (uint32_t)ELF_SEGMENTS_MAX);
    cr_expect_eq(elf.end, BASE + GO_IMAGE_MEMORY_BYTES);
}

Test(elf_image, notes_that_lie_give_no_build_id)
{
    static const struct {
        uint32_t name_bytes, content_bytes, type;
    } CASES[] = {
        {4, 33, NT_GNU_BUILD_ID}, {4, 0xffffffff, NT_GNU_BUILD_ID}, {0xffffffff, 20, NT_GNU_BUILD_ID},
        {5, 20, NT_GNU_BUILD_ID}, {4, 20, NT_GNU_ABI_TAG},          {0, 0, 0},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        go_image_build(&image, &KIND, BASE);
        uint64_t note = go_image_programs(&image)[1].p_offset;
        go_image_programs(&image)[1].p_memsz = 0x100;
        go_image_put_u32(&image, note, CASES[i].name_bytes);
        go_image_put_u32(&image, note + 4, CASES[i].content_bytes);
        go_image_put_u32(&image, note + 8, CASES[i].type);
        cr_assert(elf_image_read(&elf, &image.memory.reader, BASE));
        cr_expect_eq(elf.build_id_bytes, 0, "case %u", i);
    }
}

Test(elf_image, takes_sections_from_the_file)
{
    go_image_build(&image, &KIND, BASE);
    cr_assert(elf_image_read(&elf, &image.memory.reader, BASE));
    cr_expect_null(elf_image_section(&elf, ".gopclntab"));
    cr_assert(read_sections());
    cr_expect_eq(elf.sections_count, 5, "those that are mapped");
    const struct elf_section *section = elf_image_section(&elf, ".gopclntab");
    cr_assert_not_null(section);
    cr_expect_eq(section->start, BASE + GO_IMAGE_PCLNTAB);
    cr_expect_eq(section->end, BASE + GO_IMAGE_PCLNTAB + 0x4000);
    cr_expect_not(section->is_writable);
    cr_expect(elf_image_section(&elf, ".go.module")->is_writable);
    cr_expect(elf_image_section(&elf, ".text")->is_executable);
    cr_expect_null(elf_image_section(&elf, ".gopclnta"));
    cr_expect_null(elf_image_section(&elf, ".debug_info"), "not mapped");
}

Test(elf_image, the_file_must_be_the_module_in_memory)
{
    go_image_build(&image, &KIND, BASE);
    cr_assert(elf_image_read(&elf, &image.memory.reader, BASE));
    struct memory_file file = memory_file_make(image.bytes, sizeof image.bytes);
    go_image_header(&image)->e_entry = 0x1234; /* the program was replaced by a newer build */
    cr_expect_not(elf_image_read_sections(&elf, file.path));
    cr_expect_eq(elf.sections_count, 0);
    memory_file_close(&file);
    cr_expect_not(elf_image_read_sections(&elf, "/nonexistent/program"));
    cr_expect_not(elf_image_read_sections(&elf, "/tmp"));
    cr_expect_eq(elf.sections_count, 0);
}

Test(elf_image, section_headers_that_lie_give_no_sections)
{
    const struct {
        uint64_t offset, shnum, strndx, entry_bytes;
    } CASES[] = {
        {0x9000, 0, 0, 64}, {0x9000, ELF_SECTIONS_MAX + 1, 8, 64}, {0x9000, 9, 9, 64},
        {0x9000, 9, 8, 40}, {GO_IMAGE_FILE_BYTES - 64, 9, 8, 64},  {UINT64_MAX - 63, 9, 8, 64},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        go_image_build(&image, &KIND, BASE);
        Elf64_Ehdr *header = go_image_header(&image);
        header->e_shoff = CASES[i].offset;
        header->e_shnum = (uint16_t)CASES[i].shnum;
        header->e_shstrndx = (uint16_t)CASES[i].strndx;
        header->e_shentsize = (uint16_t)CASES[i].entry_bytes;
        cr_assert(elf_image_read(&elf, &image.memory.reader, BASE));
        cr_expect_not(read_sections(), "case %u", i);
        cr_expect_eq(elf.sections_count, 0, "case %u", i);
    }
}

Test(elf_image, a_section_outside_of_the_image_is_left_out)
{
    static const struct {
        uint64_t address, bytes;
        uint32_t name;
    } CASES[] = {
        {0x2000, 0x8000, 1}, {0x9000, 8, 1},          {UINT64_MAX - 8, 4, 1},
        {0x2000, 0, 1},      {0x2000, UINT64_MAX, 1}, {0x2000, 8, ELF_SECTION_NAMES_BYTES},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        go_image_build(&image, &KIND, BASE);
        cr_assert(elf_image_read(&elf, &image.memory.reader, BASE));
        Elf64_Shdr *section = &go_image_sections(&image)[2];
        section->sh_addr = CASES[i].address;
        section->sh_size = CASES[i].bytes;
        section->sh_name = CASES[i].name;
        cr_assert(read_sections(), "case %u", i);
        cr_expect_eq(elf.sections_count, 4, "case %u", i);
    }
}

Test(elf_image, survives_any_bytes_in_its_headers)
{
    struct random random = {17};
    for (int round = 0; round < 4000; round++) {
        go_image_build(&image, &KIND, BASE);
        uint64_t headers_bytes = sizeof(Elf64_Ehdr) + 6 * sizeof(Elf64_Phdr);
        for (uint64_t changes = 1 + random_below(&random, 6); changes > 0; changes--)
            image.bytes[EI_NIDENT + random_below(&random, headers_bytes - EI_NIDENT)] = (uint8_t)random_next(&random);
        if (!elf_image_read(&elf, &image.memory.reader, BASE))
            continue;
        cr_assert_lt(elf.start, elf.end);
        cr_assert_leq(elf.segments_count, (uint32_t)ELF_SEGMENTS_MAX);
        if (round % 8 == 0)
            read_sections();
    }
}
