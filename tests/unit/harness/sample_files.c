/* SPDX-License-Identifier: Apache-2.0
 *
 * Which files are dumps of a run.
 */
#include "harness/sample_files.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/files.h"

/* A directory that is kept, below one that goes. */
struct kept {
    struct temporary_directory parent;
    char path[FILE_PATH_BYTES];
    struct sample_files files;
    struct error error;
};

static void kept_open(struct kept *kept)
{
    temporary_directory_make(&kept->parent);
    path_in(&kept->parent, "keep", kept->path);
    cr_assert(sample_files_open(&kept->files, kept->path, &kept->error), "%s", kept->error.text);
}

static void kept_close(struct kept *kept, const char *const *names)
{
    char path[2 * FILE_PATH_BYTES];
    for (; *names != NULL; names++) {
        snprintf(path, sizeof path, "%s/%s", kept->path, *names);
        cr_expect_eq(unlink(path), 0, "%s is gone", *names);
    }
    sample_files_close(&kept->files);
    cr_expect_eq(rmdir(kept->path), 0, "it is not kept");
    temporary_directory_remove(&kept->parent);
}

static void put(const struct kept *kept, const char *const *names)
{
    char path[2 * FILE_PATH_BYTES];
    for (; *names != NULL; names++) {
        snprintf(path, sizeof path, "%s/%s", kept->path, *names);
        write_text_file(path, "{}");
    }
}

static void expect_run(struct kept *kept, uint32_t run, int pid, const char *const *names)
{
    struct sample_file *found;
    uint64_t count, expected = 0;
    while (names[expected] != NULL)
        expected++;
    cr_assert(sample_files_of_run(&kept->files, run, pid, &found, &count, &kept->error), "%s", kept->error.text);
    cr_assert_eq(count, expected, "run %u: %llu files", run, (unsigned long long)count);
    for (uint64_t i = 0; i < count; i++)
        cr_expect_str_eq(strrchr(found[i].path, '/') + 1, names[i]);
    cr_expect(count > 0 || found == NULL);
    free(found);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(sample_files, dumps_of_a_run_come_oldest_first)
{
    static const char *const ALL[] = {"1.70.10.json",
                                      "1.70.9.json",
                                      "1.70.0.json",
                                      "11.70.1.json",
                                      "2.71.0.json",
                                      "1.70.0.json~",
                                      "1.70.0.jsonx",
                                      "1.70.json",
                                      "1.x.0.json",
                                      "1.70.0.0.json",
                                      "1.70..json",
                                      ".1.70.1.json",
                                      "x",
                                      "1.-70.1.json",
                                      " 1.70.1.json",
                                      "1.70.+1.json",
                                      "1.70.1.json.tmp",
                                      "1.99999999999.1.json",
                                      NULL};
    static const char *const NONE[] = {NULL};
    struct kept kept;
    kept_open(&kept);
    put(&kept, ALL);
    expect_run(&kept, 1, 70, NAMES("1.70.0.json", "1.70.9.json", "1.70.10.json"));
    expect_run(&kept, 2, 71, NAMES("2.71.0.json"));
    expect_run(&kept, 11, 70, NAMES("11.70.1.json"));
    expect_run(&kept, 3, 70, NONE);
    kept_close(&kept, ALL);
}

Test(sample_files, others_count_where_the_program_itself_made_none)
{
    static const char *const ALL[] = {"1.70.0.json", "1.71.0.json", "1.71.1.json", "2.80.0.json",
                                      "2.80.1.json", "3.90.0.json", "3.91.0.json", NULL};
    struct kept kept;
    struct sample_file *found = (struct sample_file *)&kept;
    uint64_t count = 7;
    kept_open(&kept);
    put(&kept, ALL);
    expect_run(&kept, 1, 70, NAMES("1.70.0.json"));
    expect_run(&kept, 2, 79, NAMES("2.80.0.json", "2.80.1.json"));
    cr_expect_not(sample_files_of_run(&kept.files, 3, 89, &found, &count, &kept.error));
    cr_expect_str_eq(kept.error.text, "it was no Go program itself and started several; name the one that is meant");
    cr_expect(found == NULL && count == 0);
    kept_close(&kept, ALL);
}

Test(sample_files, there_is_room_for_many)
{
    enum { MANY = 100 };
    static char names[MANY][32];
    static const char *all[MANY + 1];
    struct kept kept;
    kept_open(&kept);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "1.70.%d.json", i);
        all[i] = names[i];
    }
    put(&kept, all);
    expect_run(&kept, 1, 70, all);
    kept_close(&kept, all);
}

Test(sample_files, kept_directory_is_new_or_empty)
{
    struct temporary_directory parent;
    struct sample_files files;
    struct error error;
    char path[FILE_PATH_BYTES], file[FILE_PATH_BYTES];
    temporary_directory_make(&parent);
    cr_assert_eq(mkdir(path_in(&parent, "empty", path), 0700), 0);
    cr_assert(sample_files_open(&files, path, &error), "%s", error.text);
    sample_files_close(&files);
    rmdir(path);
    write_text_file(path_in(&parent, "file", file), "");
    cr_expect_not(sample_files_open(&files, parent.path, &error));
    cr_expect_str_eq(error.text, "is no empty directory; empty it, or name another one with --keep");
    cr_expect_not(sample_files_open(&files, file, &error));
    cr_expect_str_eq(error.text, "is no empty directory; empty it, or name another one with --keep");
    cr_expect_not(sample_files_open(&files, path_in(&parent, "no/such", path), &error));
    cr_expect_str_eq(error.text, "cannot be made: No such file or directory; name another directory with --keep");
    cr_expect_eq(temporary_directory_count(&parent), 1u);
    temporary_directory_remove(&parent);
}

Test(sample_files, temporary_directory_goes_with_its_files)
{
    struct temporary_directory parent;
    struct sample_files files;
    struct error error;
    char path[PATH_MAX + 32];
    temporary_directory_make(&parent);
    setenv("TMPDIR", parent.path, 1);
    cr_assert(sample_files_open(&files, NULL, &error), "%s", error.text);
    cr_expect_eq(strncmp(files.directory, parent.path, strlen(parent.path)), 0, "%s", files.directory);
    cr_expect_eq(temporary_directory_count(&parent), 1u);
    snprintf(path, sizeof path, "%s/1.70.0.json", files.directory);
    write_text_file(path, "{}");
    sample_files_close(&files);
    cr_expect_eq(temporary_directory_count(&parent), 0u);
    setenv("TMPDIR", "/no/such/directory", 1);
    cr_expect_not(sample_files_open(&files, NULL, &error));
    cr_expect_str_eq(error.text,
                     "cannot be made: No such file or directory; set TMPDIR, or name a directory with --keep");
    temporary_directory_remove(&parent);
}

Test(sample_files, pattern_names_run_process_and_number)
{
    struct sample_files files = {.directory = "/ci/100%/%p"};
    struct error error;
    char pattern[PATH_MAX];
    cr_assert(sample_files_pattern(&files, 12, pattern, &error));
    cr_expect_str_eq(pattern, "/ci/100%%/%%p/12.%p.%n.json");
    for (size_t bytes = PATH_MAX - 40; bytes < PATH_MAX; bytes++) {
        memset(files.directory, '/', bytes);
        files.directory[bytes] = '\0';
        bool fits = bytes + strlen("/12.%p.%n.json") < PATH_MAX;
        cr_expect_eq(sample_files_pattern(&files, 12, pattern, &error), fits, "%zu bytes", bytes);
        cr_expect(!fits || strlen(pattern) == bytes + strlen("/12.%p.%n.json"));
        memset(files.directory, '%', bytes);
        cr_expect_not(sample_files_pattern(&files, 12, pattern, &error));
        cr_expect_str_eq(error.text, "has too long a path; name a shorter one with --keep");
    }
}

/* A dump appears by rename. */
Test(sample_files, dump_that_comes_is_an_event)
{
    struct kept kept;
    char from[FILE_PATH_BYTES], to[2 * FILE_PATH_BYTES];
    kept_open(&kept);
    struct pollfd events = {.fd = kept.files.events, .events = POLLIN};
    write_text_file(path_in(&kept.parent, "tmp", from), "{}");
    cr_expect_eq(poll(&events, 1, 0), 0);
    snprintf(to, sizeof to, "%s/1.70.0.json", kept.path);
    cr_assert_eq(rename(from, to), 0);
    cr_expect_eq(poll(&events, 1, 0), 1);
    sample_files_take_events(&kept.files);
    cr_expect_eq(poll(&events, 1, 0), 0);
    kept_close(&kept, NAMES("1.70.0.json"));
}
