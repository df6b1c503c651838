/* SPDX-License-Identifier: Apache-2.0
 *
 * What docs/ci.md shows can be used: its configuration is read, its YAML is YAML.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/files.h"

#include "harness/check_options.h"

static char page[64 * 1024];

/* The next fenced block of that language from `*at` on, and `*at` behind it; for free. NULL: there is none. */
static char *take_block(const char **at, const char *language)
{
    char fence[32];
    snprintf(fence, sizeof fence, "\n```%s\n", language);
    const char *start = strstr(*at, fence);
    if (start == NULL)
        return NULL;
    start += strlen(fence);
    const char *end = strstr(start, "\n```");
    cr_assert_not_null(end);
    *at = end;
    return strndup(start, (size_t)(end - start) + 1);
}

static void read_page(void)
{
    cr_assert(read_text_file("docs/ci.md", page, sizeof page));
    cr_assert_lt(strlen(page), sizeof page - 1, "the page is longer than what is read of it");
}

TestSuite(ci_page, .init = read_page);

Test(ci_page, configuration_is_one)
{
    struct temporary_directory directory;
    struct check_options options;
    enum exit_code code;
    char path[FILE_PATH_BYTES], baseline[FILE_PATH_BYTES];
    const char *at = page;
    char *block = take_block(&at, "ini");
    cr_assert_not_null(block);
    temporary_directory_make(&directory);
    write_text_file(path_in(&directory, "gopagewatch.ini", path), block);
    char *arguments[] = {"check", "--config", path, "--current", "dump", NULL};
    cr_assert(check_options_read(&options, "check", 5, arguments, &code));
    cr_expect_eq(options.settings.rules.count, 4);
    cr_assert_eq(options.files[SAMPLES_BASELINE].count, 1);
    cr_expect_str_eq(options.files[SAMPLES_BASELINE].paths[0], path_in(&directory, "memory.json", baseline));
    check_options_free(&options);
    temporary_directory_remove(&directory);
    free(block);
}

Test(ci_page, yaml_is_yaml)
{
    int blocks = 0;
    const char *at = page;
    for (char *block; (block = take_block(&at, "yaml")) != NULL; blocks++) {
        FILE *python =
            popen("/usr/bin/python3 -c 'import sys, yaml; assert \"memory\" in str(yaml.safe_load(sys.stdin))'", "w");
        cr_assert_not_null(python);
        fputs(block, python);
        cr_expect_eq(pclose(python), 0, "%s", block);
        free(block);
    }
    cr_expect_eq(blocks, 2);
}
