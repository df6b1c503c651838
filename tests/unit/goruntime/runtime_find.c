/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a Go runtime and its madvise: by name, by bytes, and the reasons why not.
 */
#include "goruntime/runtime_find.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support/files.h"
#include "tests/unit/support/go_image.h"

enum { BASE = 0x555555554000 };

static struct go_image image;
static struct go_runtime found;
static _Alignas(16) uint8_t scratch[RUNTIME_FIND_SCRATCH_BYTES];

static const struct go_image_kind KIND = {
    .format = PCLNTAB_1_20, .needs_libraries = true, .is_version_inline = true, .version = "go1.25.3"};

static bool find_with_file(void)
{
    struct memory_file file = memory_file_make(image.bytes, sizeof image.bytes);
    bool is_go = runtime_find(&found, &image.memory.reader, image.base, file.path, scratch);
    memory_file_close(&file);
    return is_go;
}

static bool find_without_file(void)
{
    return runtime_find(&found, &image.memory.reader, image.base, "/nonexistent/program", scratch);
}

static uint8_t *madvise_bytes(void)
{
    return image.bytes + GO_IMAGE_TEXT + GO_IMAGE_MADVISE * GO_IMAGE_FUNCTION_BYTES;
}

Test(runtime_find, knows_a_go_program_and_its_madvise)
{
    for (int i = 0; i < 8; i++) {
        struct go_image_kind kind = KIND;
        kind.is_fixed = (i & 1) != 0;
        kind.is_madvise_1_27 = kind.has_text_in_moduledata = (i & 2) != 0;
        kind.version = kind.is_madvise_1_27 ? "go1.27.3" : "go1.25.3";
        go_image_build(&image, &kind, kind.is_fixed ? 0x400000 : BASE);
        cr_assert((i & 4) != 0 ? find_with_file() : find_without_file(), "variant %d", i);
        cr_expect_eq(found.madvise_entry, go_image_function(&image, GO_IMAGE_MADVISE), "variant %d", i);
        cr_expect_null(found.madvise_not_found, "variant %d", i);
        cr_expect(found.has_pclntab);
        cr_expect(found.has_libc);
        cr_expect_eq(found.version.minor, kind.is_madvise_1_27 ? 27 : 25);
        cr_expect_eq(found.image_start, image.base);
        cr_expect_eq(found.image_end, image.base + GO_IMAGE_MEMORY_BYTES);
        cr_expect_eq(found.build_id_bytes, 20);
        cr_expect_eq(found.build_id[1], 0xa1);
    }
}

Test(runtime_find, a_program_without_libc_says_so)
{
    struct go_image_kind kind = KIND;
    kind.needs_libraries = false;
    go_image_build(&image, &kind, BASE);
    cr_assert(find_with_file());
    cr_expect_not(found.has_libc);
}

Test(runtime_find, a_program_that_is_not_go_is_none)
{
    go_image_build(&image, &KIND, BASE);
    memset(image.bytes + GO_IMAGE_BUILDINFO, 0, 0x200);
    cr_expect_not(find_without_file());
    strcpy((char *)image.bytes + GO_IMAGE_NAMES + go_image_sections(&image)[2].sh_name, ".rodata");
    cr_expect_not(find_with_file());
    image.bytes[0] = 0;
    cr_expect_not(find_with_file());
    cr_expect_not(runtime_find(&found, &image.memory.reader, 0x1000, "/proc/self/exe", scratch));
}

/* garble and its like take the build information away, never the table. */
Test(runtime_find, a_function_table_alone_makes_a_go_program)
{
    go_image_build(&image, &KIND, BASE);
    memset(image.bytes + GO_IMAGE_BUILDINFO, 0, 0x200);
    cr_assert(find_with_file());
    cr_expect_eq(found.version.minor, 0);
    cr_expect_eq(found.madvise_entry, go_image_function(&image, GO_IMAGE_MADVISE));
}

Test(runtime_find, goes_by_the_bytes_where_the_name_is_gone)
{
    for (int is_table_gone = 0; is_table_gone < 2; is_table_gone++) {
        go_image_build(&image, &KIND, BASE);
        if (is_table_gone) {
            go_image_put_u64(&image, GO_IMAGE_PCLNTAB, 0);
        } else {
            char *name = memmem(image.bytes + GO_IMAGE_PCLNTAB, 0x400, "runtime.madvise", 16);
            memcpy(name, "rxntime", 7);
        }
        cr_assert(find_with_file());
        cr_expect_eq(found.has_pclntab, !is_table_gone);
        cr_expect_eq(found.madvise_entry, go_image_function(&image, GO_IMAGE_MADVISE));
        cr_expect_null(found.madvise_not_found);
    }
}

static void expect_reason(const char *part)
{
    cr_expect_eq(found.madvise_entry, 0, "%s", part);
    cr_assert_not_null(found.madvise_not_found, "%s", part);
    cr_expect_not_null(strstr(found.madvise_not_found, part), "%s", found.madvise_not_found);
}

Test(runtime_find, says_why_madvise_is_not_found)
{
    go_image_build(&image, &KIND, BASE);
    madvise_bytes()[3] = 0x25;
    cr_assert(find_with_file());
    expect_reason("are not those of go1.17 to 1.27");

    go_image_build(&image, &KIND, BASE);
    go_image_put_u64(&image, GO_IMAGE_PCLNTAB, 0);
    madvise_bytes()[3] = 0x25;
    cr_assert(find_with_file());
    expect_reason("no function has the bytes");

    go_image_build(&image, &KIND, BASE);
    go_image_put_u64(&image, GO_IMAGE_PCLNTAB, 0);
    memcpy(image.bytes + GO_IMAGE_TEXT + 0x800, madvise_bytes(), 32);
    cr_assert(find_with_file());
    expect_reason("in more than one place");
}

/* Only an aligned entry can be patched by one store. */
Test(runtime_find, an_entry_that_is_not_aligned_is_refused)
{
    go_image_build(&image, &KIND, BASE);
    go_image_put_u64(&image, GO_IMAGE_PCLNTAB, 0);
    uint8_t code[32];
    memcpy(code, madvise_bytes(), sizeof code);
    memset(madvise_bytes(), 0x90, sizeof code);
    memcpy(image.bytes + GO_IMAGE_TEXT + 0x810, code, sizeof code);
    cr_assert(find_with_file());
    expect_reason("no function has the bytes");

    /* Nor when it is found by its name. */
    go_image_build(&image, &KIND, BASE);
    memcpy(code, madvise_bytes(), sizeof code);
    memcpy(madvise_bytes() + 16, code, sizeof code);
    go_image_put_u32(&image, GO_IMAGE_PCLNTAB + 0x400 + GO_IMAGE_MADVISE * 8,
                     GO_IMAGE_MADVISE * GO_IMAGE_FUNCTION_BYTES + 16);
    cr_assert(find_with_file());
    expect_reason("are not those of go1.17 to 1.27");
}

/* By bytes: only what can be executed is looked at. */
Test(runtime_find, bytes_in_data_are_not_code)
{
    go_image_build(&image, &KIND, BASE);
    memcpy(image.bytes + GO_IMAGE_DYNAMIC + 0x100, madvise_bytes(), 32);
    memcpy(image.bytes + GO_IMAGE_PCLNTAB + 0x1000, madvise_bytes(), 32);
    go_image_put_u64(&image, GO_IMAGE_PCLNTAB, 0);
    cr_assert(find_with_file());
    cr_expect_eq(found.madvise_entry, go_image_function(&image, GO_IMAGE_MADVISE));
}
