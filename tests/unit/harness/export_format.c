/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of formats, and that the page about them knows each.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "harness/export_format.h"

Test(export_format, names_are_found_and_others_are_not)
{
    for (uint32_t i = 0; i < EXPORT_FORMATS_COUNT; i++)
        cr_expect_eq(export_format_find(EXPORT_FORMATS[i].name), &EXPORT_FORMATS[i]);
    cr_expect_null(export_format_find("pprof "));
    cr_expect_null(export_format_find(""));
}

Test(export_format, page_has_a_section_for_each)
{
    char page[64 * 1024], section[64];
    FILE *file = fopen("docs/export.md", "re");
    cr_assert_not_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    for (uint32_t i = 0; i < EXPORT_FORMATS_COUNT; i++) {
        snprintf(section, sizeof section, "\n## %s\n", EXPORT_FORMATS[i].name);
        cr_expect_not_null(strstr(page, section), "docs/export.md has no section %s", EXPORT_FORMATS[i].name);
    }
}
