/* SPDX-License-Identifier: Apache-2.0
 *
 * Files in place of what a core left out: only those that are the same, and only regular ones.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goruntime/runtime_find.h"
#include "harness/core_file.h"
#include "tests/unit/support/files.h"
#include "tests/unit/support/go_image.h"
#include "tests/unit/support/made_core.h"

enum { PAGE = MADE_PAGE_BYTES, BUMP_BYTES = 64 << 20, BRK_BYTES = 8 * PAGE };

#define BASE 0x555555554000ull

static struct go_image image;
static struct made_core made;
static struct core_file core;
static struct bump bump;
static struct error error;

/* A core as the kernel writes it: of the text the first page, of rodata nothing, data and .bss whole. */
static void open_core(const char *name, bool has_first_page)
{
    static const struct go_image_kind KIND = {
        .format = PCLNTAB_1_20, .needs_libraries = true, .is_version_inline = true, .version = "go1.26.3"};
    go_image_build(&image, &KIND, BASE);
    const struct made_segment SEGMENTS[] = {
        {BASE, 0x2000, has_first_page ? PAGE : 0, PF_R | PF_X, image.bytes},
        {BASE + 0x2000, 0x4000, 0, PF_R, NULL},
        {BASE + 0x6000, 0x2000, 0x2000, PF_R | PF_W, image.bytes + 0x6000},
        {BASE + 0x8000, 0x1000, 0x1000, PF_R | PF_W, NULL},
        {BASE + 0x20000, BRK_BYTES, 0, PF_R | PF_W, NULL},
    };
    const struct made_mapping MAPPINGS[] = {
        {BASE, BASE + 0x2000, 0, name},
        {BASE + 0x2000, BASE + 0x6000, 2, name},
        {BASE + 0x6000, BASE + 0x8000, 6, name},
    };
    static const Elf64_auxv_t AUXV[] = {{AT_PAGESZ, {PAGE}}, {AT_PHDR, {BASE + 64}}, {AT_NULL, {0}}};
    made_core_build(&made, &(struct made_core_plan){.segments = SEGMENTS,
                                                    .segments_count = 5,
                                                    .mappings = MAPPINGS,
                                                    .mappings_count = 3,
                                                    .auxv = AUXV,
                                                    .threads = 1,
                                                    .comm = "shop"});
    struct memory_file file = memory_file_make(made.bytes, made.count);
    cr_assert_eq(bump_open(&bump, BUMP_BYTES), 0);
    cr_assert(core_file_open(&core, file.path, &bump, &error), "%s", error.text);
    memory_file_close(&file);
}

static struct memory_file image_file(void)
{
    return memory_file_make(image.bytes, sizeof image.bytes);
}

static void expect_readable(bool is_readable)
{
    uint8_t buffer[0x6000];
    cr_expect(reader_read(&core.reader, BASE, buffer, PAGE), "the core holds it");
    cr_expect_eq(reader_read(&core.reader, BASE, buffer, sizeof buffer), is_readable);
    if (is_readable)
        cr_expect_arr_eq(buffer, image.bytes, sizeof buffer);
}

static void expect_refusal(const char *exe, const char *said)
{
    cr_expect_not(core_file_set_program(&core, exe, &error), "%s", said);
    cr_expect_not_null(strstr(error.text, said), "\"%s\" does not say \"%s\"", error.text, said);
    expect_readable(false);
}

Test(core_program, text_is_read_from_the_program_wherever_it_lies_now)
{
    open_core("/nonexistent/shop", true);
    expect_readable(false);
    struct memory_file exe = image_file();
    cr_assert(core_file_set_program(&core, exe.path, &error), "%s", error.text);
    expect_readable(true);
    cr_expect_str_eq(core_file_path(&core, core.program), exe.path);
    cr_expect_str_eq(core.program->name, "/nonexistent/shop");
    memory_file_close(&exe);
    core_file_close(&core);
}

Test(core_program, go_runtime_is_found_with_it)
{
    static struct go_runtime runtime;
    static _Alignas(16) uint8_t scratch[RUNTIME_FIND_SCRATCH_BYTES];
    open_core("/nonexistent/shop", true);
    struct memory_file exe = image_file();
    cr_assert(core_file_set_program(&core, exe.path, &error), "%s", error.text);
    cr_assert(runtime_find(&runtime, &core.reader, core.program->start, exe.path, scratch));
    cr_expect_str_eq(runtime.version.text, "go1.26.3");
    cr_expect_eq(runtime.madvise_entry, go_image_function(&image, GO_IMAGE_MADVISE));
    memory_file_close(&exe);
    core_file_close(&core);
}

Test(core_program, file_of_the_name_in_the_core_serves_without_being_given)
{
    struct temporary_directory directory;
    char path[FILE_PATH_BYTES];
    temporary_directory_make(&directory);
    path_in(&directory, "shop", path);
    open_core(path, true);
    FILE *file = fopen(path, "we");
    cr_assert_eq(fwrite(image.bytes, 1, sizeof image.bytes, file), sizeof image.bytes);
    fclose(file);
    expect_readable(true);
    core_file_close(&core);
    temporary_directory_remove(&directory);
}

Test(core_program, another_file_of_that_name_does_not_serve)
{
    struct temporary_directory directory;
    char path[FILE_PATH_BYTES];
    temporary_directory_make(&directory);
    path_in(&directory, "shop", path);
    open_core(path, true);
    FILE *file = fopen(path, "we");
    image.bytes[0xf00 + 16] ^= 1; /* the build id */
    cr_assert_eq(fwrite(image.bytes, 1, sizeof image.bytes, file), sizeof image.bytes);
    fclose(file);
    expect_readable(false);
    core_file_close(&core);
    temporary_directory_remove(&directory);
}

Test(core_program, another_build_is_refused_with_both_build_ids)
{
    open_core("/nonexistent/shop", true);
    image.bytes[0xf00 + 16] = 0xee;
    struct memory_file exe = image_file();
    expect_refusal(exe.path, "is not the program of this core: that was /nonexistent/shop with build id "
                             "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3, this one has build id "
                             "eea1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3");
    memory_file_close(&exe);
    core_file_close(&core);
}

Test(core_program, another_file_of_the_same_build_id_is_refused_without_it)
{
    open_core("/nonexistent/shop", true);
    image.bytes[PAGE - 1] ^= 1; /* the build id is elsewhere */
    struct memory_file exe = image_file();
    expect_refusal(exe.path, "its first page differs from that of /nonexistent/shop (both have build id a0a1");
    memory_file_close(&exe);
    core_file_close(&core);
}

Test(core_program, what_is_no_program_is_refused)
{
    struct temporary_directory directory;
    char fifo[FILE_PATH_BYTES];
    temporary_directory_make(&directory);
    cr_assert_eq(mkfifo(path_in(&directory, "fifo", fifo), 0600), 0);
    open_core("/nonexistent/shop", true);
    struct memory_file text = memory_file_of_text("#!/bin/sh\n");
    expect_refusal(text.path, "this one has no build id");
    expect_refusal("/nonexistent/exe", "cannot be opened: No such file");
    expect_refusal("/tmp", "cannot be opened: it is no regular file");
    expect_refusal(fifo, "cannot be opened: it is no regular file");
    expect_refusal("/dev/null", "cannot be opened: it is no regular file");
    memory_file_close(&text);
    core_file_close(&core);
    temporary_directory_remove(&directory);
}

Test(core_program, core_without_the_first_page_cannot_be_compared)
{
    open_core("/nonexistent/shop", false);
    struct memory_file exe = image_file();
    cr_expect_not(core_file_set_program(&core, exe.path, &error));
    cr_expect_not_null(strstr(error.text, "its first page is not in the core"), "%s", error.text);
    memory_file_close(&exe);
    core_file_close(&core);
}

Test(core_program, file_ends_within_its_last_page_and_nothing_is_behind)
{
    uint8_t buffer[PAGE];
    open_core("/nonexistent/shop", true);
    struct memory_file exe = memory_file_make(image.bytes, 0x3100);
    cr_assert(core_file_set_program(&core, exe.path, &error), "%s", error.text);
    cr_assert(reader_read(&core.reader, BASE + 0x3000, buffer, PAGE));
    cr_expect_arr_eq(buffer, image.bytes + 0x3000, 0x100);
    for (unsigned i = 0x100; i < PAGE; i++)
        cr_assert_eq(buffer[i], 0);
    cr_expect_not(reader_read(&core.reader, BASE + 0x3fff, buffer, 2));
    cr_expect_not(reader_read(&core.reader, BASE + 0x4000, buffer, 1));
    memory_file_close(&exe);
    core_file_close(&core);
}

Test(core_program, memory_behind_the_program_is_the_brk_heap)
{
    open_core("/nonexistent/shop", true);
    for (uint64_t i = 0; i < core.vmas.count; i++) {
        const struct vma *vma = &core.vmas.vmas[i];
        bool is_heap = vma->start == BASE + 0x20000;
        cr_expect_eq(strcmp(vma->name, "[heap]") == 0, is_heap, "%#lx is %s", vma->start, vma->name);
    }
    core_file_close(&core);
}
