/* SPDX-License-Identifier: Apache-2.0
 *
 * The modules of a process: of this one against what the loader says, and of one whose headers lie.
 */
#include "dump/module_rows.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/go_image.h"
#include "tests/unit/support/random.h"

enum { BASE = 0x555555554000, VMAS_MAX = 4 };

static struct bump bump;
static struct go_image image;
static struct module_rows rows;
static struct vma vmas[VMAS_MAX];
static struct vma_list list = {.vmas = vmas};

static void open_bump(void)
{
    cr_assert_eq(bump_open(&bump, 1 << 28), 0);
}

TestSuite(module_rows, .init = open_bump);

/* ---- this process ---- */

static int expect_row(struct dl_phdr_info *module, size_t bytes, void *context)
{
    uintptr_t code = 0;
    (void)bytes, (void)context;
    for (int i = 0; i < module->dlpi_phnum; i++) {
        if (module->dlpi_phdr[i].p_type == PT_LOAD && (module->dlpi_phdr[i].p_flags & PF_X) != 0)
            code = module->dlpi_addr + module->dlpi_phdr[i].p_vaddr;
    }
    for (uint64_t i = 0; i < rows.count; i++) {
        if (code < rows.rows[i].start || code >= rows.rows[i].end)
            continue;
        cr_expect_eq(rows.rows[i].bias, module->dlpi_addr, "%s", rows.rows[i].path);
        cr_expect_neq(rows.rows[i].build_id_bytes, 0, "%s", rows.rows[i].path);
        return 0;
    }
    cr_expect_fail("%s at %#lx has no row", module->dlpi_name, code);
    return 0;
}

Test(module_rows, every_module_that_the_loader_knows_has_a_row)
{
    struct vma_list own;
    struct reader_process reader;
    cr_assert_eq(vma_list_read(&own, "/proc/self/maps", &bump), 0);
    reader_process_open(&reader, getpid());
    cr_assert(module_rows_find(&rows, &own, &reader.reader, &bump));
    reader_process_close(&reader);
    dl_iterate_phdr(expect_row, NULL);
    for (uint64_t i = 1; i < rows.count; i++)
        cr_expect_geq(rows.rows[i].start, rows.rows[i - 1].end);
}

/* ---- one that is made up ---- */

/* As the loader maps the image, with another file's mapping behind it. */
static void build(void)
{
    static const struct go_image_kind KIND = {
        .format = PCLNTAB_1_20, .needs_libraries = true, .is_version_inline = true, .version = "go1.25.1"};
    go_image_build(&image, &KIND, BASE);
    const struct vma shop = {.inode = 7, .is_readable = true, .name = "/srv/shop"};
    vmas[0] = vmas[1] = vmas[2] = shop;
    vmas[3] = (struct vma){.start = BASE + 0x20000, .end = BASE + 0x21000, .inode = 8, .name = "/srv/data"};
    vmas[0].start = BASE;
    vmas[0].end = vmas[1].start = BASE + 0x2000;
    vmas[0].is_executable = true;
    vmas[1].end = vmas[2].start = BASE + 0x6000;
    vmas[1].file_offset_bytes = 0x2000;
    vmas[2].end = BASE + 0x9000;
    vmas[2].file_offset_bytes = 0x6000;
    list.count = VMAS_MAX;
}

static bool find(void)
{
    return module_rows_find(&rows, &list, &image.memory.reader, &bump);
}

/* The note's owner and kind. */
static void set_note(const char *name, uint32_t type)
{
    Elf64_Phdr *programs = go_image_programs(&image);
    for (int i = 0; i < go_image_header(&image)->e_phnum; i++) {
        if (programs[i].p_type != PT_NOTE)
            continue;
        uint8_t *note = image.bytes + programs[i].p_offset;
        memcpy(note + 8, &type, sizeof type);
        memcpy(note + 12, name, 4);
        return;
    }
    cr_assert_fail("the image has no note");
}

Test(module_rows, a_module_has_its_place_bias_and_build_id)
{
    build();
    cr_assert(find());
    cr_assert_eq(rows.count, 1);
    cr_expect_str_eq(rows.rows[0].path, "/srv/shop");
    cr_expect_eq(rows.rows[0].start, BASE);
    cr_expect_eq(rows.rows[0].end, BASE + GO_IMAGE_MEMORY_BYTES);
    cr_expect_eq(rows.rows[0].bias, BASE);
    cr_assert_eq(rows.rows[0].build_id_bytes, 20);
    cr_expect_eq(rows.rows[0].build_id[0], 0xa0);
}

Test(module_rows, gos_build_id_stands_in_where_there_is_no_other)
{
    build();
    set_note("Go\0", 4);
    cr_assert(find());
    cr_assert_eq(rows.count, 1);
    cr_assert_eq(rows.rows[0].build_id_bytes, 20);
    cr_expect_eq(rows.rows[0].build_id[19], 0xb3);

    build();
    set_note("Go\0", 5);
    cr_assert(find());
    cr_expect_eq(rows.rows[0].build_id_bytes, 0, "another note of Go's");
}

Test(module_rows, a_file_without_code_is_no_module)
{
    build();
    vmas[0].is_executable = false;
    cr_assert(find());
    cr_expect_eq(rows.count, 0);
}

Test(module_rows, code_that_does_not_follow_a_header_is_no_module)
{
    build();
    image.bytes[0] = 'X';
    cr_assert(find());
    cr_expect_eq(rows.count, 0);

    build();
    vmas[0].is_executable = false;
    vmas[3].is_executable = true; /* of a file whose front is not mapped */
    vmas[3].file_offset_bytes = 0x1000;
    cr_assert(find());
    cr_expect_eq(rows.count, 0);
}

Test(module_rows, headers_that_claim_more_get_what_is_mapped)
{
    build();
    Elf64_Phdr *programs = go_image_programs(&image);
    for (int i = 0; i < go_image_header(&image)->e_phnum; i++) {
        if (programs[i].p_type == PT_LOAD)
            programs[i].p_memsz = 1ull << 46;
    }
    cr_assert(find());
    cr_assert_eq(rows.count, 1);
    cr_expect_eq(rows.rows[0].end, BASE + 0x21000, "%#lx", rows.rows[0].end);
}

Test(module_rows, headers_of_any_content_are_survived)
{
    struct random random = {6};
    for (unsigned round = 0; round < 5000; round++) {
        build();
        bump.used_bytes = 0;
        for (unsigned k = 0; k < 1 + round % 6; k++)
            image.bytes[random_below(&random, 0x400)] = (uint8_t)random_next(&random);
        cr_assert(find());
        cr_assert_leq(rows.count, 1);
        if (rows.count == 1) {
            cr_assert_lt(rows.rows[0].start, rows.rows[0].end);
            cr_assert_leq(rows.rows[0].end, BASE + 0x21000);
        }
    }
}
