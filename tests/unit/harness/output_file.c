/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that is whole under its name, or not there.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/output_file.h"

static char directory[] = "/tmp/gopagewatch-test-XXXXXX";
static char path[64];

static void make_directory(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/out", directory);
}

static void remove_directory(void)
{
    unlink(path);
    cr_expect_eq(rmdir(directory), 0, "something was left behind: %s", strerror(errno));
}

TestSuite(output_file, .init = make_directory, .fini = remove_directory);

static unsigned mode_of(const char *file_path)
{
    struct stat status;
    cr_assert_eq(stat(file_path, &status), 0);
    return status.st_mode & 07777;
}

static void expect_content(const char *content)
{
    char buffer[64] = "";
    FILE *file = fopen(path, "re");
    cr_assert_not_null(file);
    buffer[fread(buffer, 1, sizeof buffer - 1, file)] = '\0';
    fclose(file);
    cr_expect_str_eq(buffer, content);
}

static void write_old(void)
{
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    fputs("old", file);
    fclose(file);
}

Test(output_file, is_there_when_it_is_finished_and_replaces_the_old_one)
{
    struct output_file file;
    struct error error;
    write_old();
    cr_assert(output_file_open(&file, path, &error), "%s", error.text);
    cr_assert_eq(write(file.fd, "new", 3), 3);
    expect_content("old");
    cr_assert(output_file_finish(&file, 0, &error), "%s", error.text);
    expect_content("new");
    cr_expect_eq(mode_of(path), 0600u);
}

Test(output_file, failed_write_leaves_the_old_one)
{
    struct output_file file;
    struct error error;
    write_old();
    cr_assert(output_file_open(&file, path, &error), "%s", error.text);
    cr_expect_not(output_file_finish(&file, -ENOSPC, &error));
    cr_expect_not_null(strstr(error.text, "No space left"), "%s", error.text);
    expect_content("old");
}

/* node-exporter runs as a user of its own, whatever the umask of who writes for it. */
Test(output_file, may_be_read_by_all_when_that_is_asked_for)
{
    struct output_file file;
    struct error error;
    umask(077);
    cr_assert(output_file_open(&file, path, &error), "%s", error.text);
    output_file_let_all_read(&file);
    cr_assert(output_file_finish(&file, 0, &error), "%s", error.text);
    cr_expect_eq(mode_of(path), 0644u);
}

Test(output_file, what_is_no_file_is_not_replaced)
{
    struct output_file file;
    struct error error;
    struct stat status;
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_not(output_file_open(&file, path, &error));
    cr_expect_not_null(strstr(error.text, "is no file"), "%s", error.text);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect(S_ISFIFO(status.st_mode));
}
