/* SPDX-License-Identifier: Apache-2.0
 *
 * Build information: every form of a version, both layouts, and what happens when it lies.
 */
#include "goruntime/buildinfo.h"

#include <criterion/criterion.h>
#include <string.h>

#include "goruntime/layout.h"
#include "tests/unit/support/files.h"
#include "tests/unit/support/go_image.h"

enum { BASE = 0x7f1234560000 };

static struct go_image image;
static struct elf_image elf;
static struct go_version version;

static void build(const char *text, bool is_inline)
{
    struct go_image_kind kind = {.format = PCLNTAB_1_18, .is_version_inline = is_inline, .version = text};
    go_image_build(&image, &kind, BASE);
}

static bool read_version(bool with_sections)
{
    cr_assert(elf_image_read(&elf, &image.memory.reader, BASE));
    if (with_sections) {
        struct memory_file file = memory_file_make(image.bytes, sizeof image.bytes);
        cr_assert(elf_image_read_sections(&elf, file.path));
        memory_file_close(&file);
    }
    return buildinfo_read(&elf, &version);
}

Test(go_version, minor_of_every_form)
{
    static const struct {
        const char *text;
        unsigned minor;
    } CASES[] = {
        {"go1.26.10", 26},
        {"go1.17", 17},
        {"go1.9", 9},
        {"go1.27rc1", 27},
        {"go1.21beta1", 21},
        {"go1.26.10 X:nogreenteagc", 26},
        {"go1.26-X:nogreenteagc,norandomizedheapbase64", 26},
        {"devel go1.27-abcdef012 Mon Nov 23 03:26:01 2026 +0000", 27},
        {"devel go1.21-0123456789 Tue Jan 3 10:00:00 2023 +0000 X:unified", 21},
        {"go1.22.5 (Red Hat 1.22.5-2.el9)", 22},
        {"go1.24.4-microsoft", 24},
        {"", 0},
        {"go1", 0},
        {"go1.", 0},
        {"go1.x", 0},
        {"go2.5", 0},
        {"devel +a1b2c3d4 Mon Nov 23", 0},
        {"go1.1000", 0},
        {"go1.99999999999999999999999", 0},
        {"unknown", 0},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_eq(go_version_minor(CASES[i].text), CASES[i].minor, "\"%s\" gives %u", CASES[i].text,
                     go_version_minor(CASES[i].text));
}

Test(buildinfo, is_found_by_section_and_by_search_in_both_layouts)
{
    for (int i = 0; i < 4; i++) {
        build("go1.22.5 (Red Hat 1.22.5-2.el9)", (i & 1) != 0);
        cr_assert(read_version((i & 2) != 0), "variant %d", i);
        cr_expect_str_eq(version.text, "go1.22.5 (Red Hat 1.22.5-2.el9)", "variant %d", i);
        cr_expect_eq(version.minor, 22, "variant %d", i);
    }
}

/* So that the reason says so (layout.c). What stands behind it is found all the same. */
Test(buildinfo, a_version_longer_than_its_room_is_cut)
{
    enum { LONG_BYTES = 120 };
    char text[LONG_BYTES + 1], why_text[LAYOUT_WHY_BYTES];
    const char *why;
    memset(text, 'x', LONG_BYTES);
    memcpy(text, "go1.26 ", 7);
    text[LONG_BYTES] = '\0';
    for (int i = 0; i < 2; i++) {
        struct go_image_kind kind = {.format = PCLNTAB_1_18,
                                     .is_version_inline = i != 0,
                                     .version = text,
                                     .module_information = "build\t-race=true\n"};
        go_image_build(&image, &kind, BASE);
        cr_assert(read_version(true));
        cr_expect_eq(strlen(version.text), (size_t)GO_VERSION_TEXT_BYTES - 1, "variant %d", i);
        cr_expect_eq(memcmp(version.text, text, GO_VERSION_TEXT_BYTES - 1), 0, "variant %d", i);
        cr_expect_eq(version.minor, 26, "variant %d", i);
        cr_expect_eq(version.is_race, i != 0, "variant %d", i);
        cr_expect_null(layout_for_version(version.text, why_text, &why));
        cr_expect_not_null(strstr(why, "\" is too long"), "variant %d: %s", i, why);
    }
}

/* Build settings stand at the end of the module information; the text may be longer than what is read at once. */
Test(buildinfo, knows_a_program_with_the_race_detector)
{
    static const struct {
        const char *settings;
        bool is_race;
    } CASES[] = {
        {"build\t-compiler=gc\nbuild\t-race=true\nbuild\tCGO_ENABLED=1\n", true},
        {"build\t-race=true\n", true},
        {"build\t-race=false\n", false},
        {"build\t-race=true", false},
        {"", false},
        {"build\t-compiler=gc\n", false},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        for (unsigned padding = 0; padding<900; padding += padding> 470 && padding < 530 ? 1 : 37) {
            char text[1000];
            memset(text, 'm', padding);
            strcpy(text + padding, CASES[i].settings);
            struct go_image_kind kind = {
                .format = PCLNTAB_1_18, .is_version_inline = true, .version = "go1.26.1", .module_information = text};
            go_image_build(&image, &kind, BASE);
            cr_assert(read_version(true));
            cr_expect_eq(version.is_race, CASES[i].is_race, "case %u behind %u bytes", i, padding);
            cr_expect_str_eq(version.text, "go1.26.1");
        }
    }
}

Test(buildinfo, module_information_that_reaches_over_the_image_says_nothing)
{
    struct go_image_kind kind = {.format = PCLNTAB_1_18,
                                 .is_version_inline = true,
                                 .version = "go1.26.1",
                                 .module_information = "build\t-race=true\n"};
    go_image_build(&image, &kind, BASE);
    memset(image.bytes + GO_IMAGE_BUILDINFO + 41, 0xff, 2); /* a length of 2^14 and more, going on in the text */
    cr_assert(read_version(true));
    cr_expect_not(version.is_race);
    cr_expect_eq(version.minor, 26);
}

Test(buildinfo, a_blanked_version_is_a_go_program_all_the_same)
{
    build("", true);
    cr_assert(read_version(true));
    cr_expect_str_eq(version.text, "");
    cr_expect_eq(version.minor, 0);
}

Test(buildinfo, lengths_and_pointers_that_lie_give_no_version)
{
    build("go1.26.1", true);
    image.bytes[GO_IMAGE_BUILDINFO + 32] = 0x80; /* a length of more than one byte */
    cr_assert(read_version(true));
    cr_expect_str_eq(version.text, "");

    static const uint64_t POINTERS[] = {0, 8, BASE - 8, BASE + GO_IMAGE_MEMORY_BYTES, UINT64_MAX - 4, 1ull << 63};
    for (unsigned i = 0; i < sizeof POINTERS / sizeof POINTERS[0]; i++) {
        build("go1.17.1", false);
        go_image_put_u64(&image, GO_IMAGE_BUILDINFO + 16, POINTERS[i]);
        cr_assert(read_version(true));
        cr_expect_str_eq(version.text, "", "string header at %lx", POINTERS[i]);
        build("go1.17.1", false);
        go_image_put_u64(&image, GO_IMAGE_BUILDINFO + 0x100, POINTERS[i]);
        cr_assert(read_version(true));
        cr_expect_str_eq(version.text, "", "text at %lx", POINTERS[i]);
    }
    build("go1.17.1", false);
    go_image_put_u64(&image, GO_IMAGE_BUILDINFO + 0x100, BASE + GO_IMAGE_MEMORY_BYTES - 4);
    cr_assert(read_version(true));
    cr_expect_str_eq(version.text, "", "the text reaches over the end of memory");
}

Test(buildinfo, is_looked_for_where_it_may_lie_only)
{
    build("go1.26.1", true);
    image.bytes[GO_IMAGE_BUILDINFO] = 0;
    cr_expect_not(read_version(true), "the section says where, and there it is not");
    cr_expect_not(read_version(false));

    /* Aligned to 16 in a writable segment. */
    static const struct {
        uint64_t offset;
        bool is_found;
    } PLACES[] = {{0x6010, true}, {0x6ff0, true}, {0x7fd0, true}, {0x6008, false}, {0x2000, false}, {0x1800, false}};
    for (unsigned i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        uint8_t information[48];
        build("go1.26.1", true);
        memcpy(information, image.bytes + GO_IMAGE_BUILDINFO, sizeof information);
        memset(image.bytes + GO_IMAGE_BUILDINFO, 0, sizeof information);
        memcpy(image.bytes + PLACES[i].offset, information, sizeof information);
        cr_expect_eq(read_version(false), PLACES[i].is_found, "at %lx", PLACES[i].offset);
    }
}

Test(buildinfo, a_program_that_is_not_go_has_none)
{
    build("go1.26.1", true);
    memset(image.bytes + GO_IMAGE_BUILDINFO, 0, 0x200);
    strcpy((char *)image.bytes + GO_IMAGE_NAMES + go_image_sections(&image)[3].sh_name, ".data");
    cr_expect_not(read_version(true));
    cr_expect_eq(version.minor, 0);
    cr_expect_str_eq(version.text, "");
}
