/* SPDX-License-Identifier: Apache-2.0
 *
 * Where dumps go: the letters of a pattern, and that a file is whole or not there whatever stands in the way.
 */
#include "preload/output.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/unit/support/files.h"

static const struct output_words WORDS = {
    .pid = 4711, .number = 2, .unix_seconds = 1795404361, .program = "shop", .host = "web-3", .label = "before"};

static struct temporary_directory directory;
static struct output output;
static struct options options;

static void make_directory(void)
{
    temporary_directory_make(&directory);
}

static void remove_directory(void)
{
    temporary_directory_remove(&directory);
}

TestSuite(output, .init = make_directory, .fini = remove_directory);

Test(output_expand, replaces_every_letter)
{
    static const struct {
        const char *pattern, *path;
    } CASES[] = {
        {"gopagewatch.%p.%n.json", "gopagewatch.4711.2.json"},
        {"/var/%e/%h-%t-%l", "/var/shop/web-3-1795404361-before"},
        {"%%", "%"},
        {"%%p%p", "%p4711"},
        {"", ""},
        {"plain", "plain"},
        {"trailing%", "trailing%"},
        {"%n%n%n", "222"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char path[OUTPUT_PATH_BYTES];
        cr_assert(output_expand(CASES[i].pattern, &WORDS, path));
        cr_expect_str_eq(path, CASES[i].path);
    }
}

Test(output_expand, a_word_does_not_leave_the_directory)
{
    static const struct {
        const char *pattern, *label, *path;
    } CASES[] = {
        {"/d/%l.json", "../../etc/passwd", "/d/_._.._etc_passwd.json"},
        {"/d/%l", "/a/b", "/d/_a_b"},
        {"/d/x%l", "..", "/d/x.."},
        {"/d/%l", "", "/d/"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct output_words words = WORDS;
        char path[OUTPUT_PATH_BYTES];
        words.label = words.host = words.program = CASES[i].label;
        cr_assert(output_expand(CASES[i].pattern, &words, path));
        cr_expect_str_eq(path, CASES[i].path);
    }
}

Test(output_expand, a_result_that_does_not_fit_is_refused)
{
    static char pattern[OUTPUT_PATH_BYTES + 1], path[OUTPUT_PATH_BYTES + 1];
    memset(path, 0x7e, sizeof path);
    memset(pattern, 'a', OUTPUT_PATH_BYTES - 1);
    cr_assert(output_expand(pattern, &WORDS, path));
    cr_expect_str_eq(path, pattern);
    pattern[OUTPUT_PATH_BYTES - 1] = 'a';
    cr_expect_not(output_expand(pattern, &WORDS, path));
    strcpy(pattern + OUTPUT_PATH_BYTES - 3, "%p");
    cr_expect_not(output_expand(pattern, &WORDS, path));
    cr_expect_eq(path[OUTPUT_PATH_BYTES], 0x7e, "nothing behind the buffer");
}

static void open_output(const char *name)
{
    memset(&options, 0, sizeof options);
    memset(&output, 0, sizeof output);
    path_in(&directory, name, options.out);
    output_open(&output, &options);
}

static int write_dump(const char *text, int error)
{
    int fd = output_begin(&output, "label");
    if (fd < 0)
        return fd;
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return output_end(&output, fd, error, "label");
}

static void expect_file(const char *name, const char *text)
{
    char path[FILE_PATH_BYTES], found[100];
    cr_assert(read_text_file(path_in(&directory, name, path), found, sizeof found), "%s is there", name);
    cr_expect_str_eq(found, text, "%s", name);
}

Test(output, a_relative_pattern_means_the_directory_of_the_start)
{
    char expected[OUTPUT_PATH_BYTES];
    struct utsname system;
    strcpy(options.out, "d.%p.%n");
    cr_assert_eq(chdir(directory.path), 0);
    output_open(&output, &options);
    snprintf(expected, sizeof expected, "%s/d.%%p.%%n", directory.path);
    cr_expect_str_eq(output.pattern, expected);
    uname(&system);
    cr_expect_str_eq(output.host, system.nodename);
    cr_expect_gt(strlen(output.program), 0);
    cr_expect_null(strchr(output.program, '\n'));
    cr_assert_eq(chdir("/"), 0);
    cr_expect_eq(write_dump("x", 0), 0);
    snprintf(expected, sizeof expected, "d.%d.1", getpid());
    expect_file(expected, "x");
    output_open(&output, &options);
    cr_expect_eq(output.pattern[0], '/', "%s", output.pattern);
}

Test(output, a_dump_appears_whole_private_and_under_its_own_name_only)
{
    char path[FILE_PATH_BYTES];
    struct stat status;
    open_output("%n.json");
    umask(0);
    int fd = output_begin(&output, "");
    cr_assert_geq(fd, 0);
    cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    cr_expect_eq(access(path_in(&directory, "1.json", path), F_OK), -1, "not before it is whole");
    cr_expect_eq(temporary_directory_count(&directory), output.is_unnamed ? 0 : 1);
    cr_assert_eq(output_end(&output, fd, 0, ""), 0);
    cr_expect_str_eq(output.path, path);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0600);
    cr_expect_eq(temporary_directory_count(&directory), 1);
    cr_expect_eq(fcntl(fd, F_GETFD), -1, "the descriptor is closed");
    cr_expect_eq(write_dump("second", 0), 0);
    expect_file("2.json", "second");
}

/* From now on `call` fails with `error` where one of `bits` is set in its argument of that index; 0: always. */
static void forbid(uint32_t call, unsigned argument, uint32_t bits, uint32_t error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, args[0]) + argument * 8),
        BPF_JUMP(BPF_JMP | (bits == 0 ? BPF_JGE : BPF_JSET) | BPF_K, bits, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* NFS, some FUSE file systems, overlayfs before Linux 6.3. */
static void forbid_unnamed_files(void)
{
    forbid(SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP);
}

/* NFS, 9p. */
static void forbid_rename_flags(void)
{
    forbid(SYS_renameat2, 4, ~0u, EINVAL);
}

/* vfat, some FUSE file systems. */
static void forbid_links(void)
{
    forbid(SYS_linkat, 0, 0, EPERM);
}

Test(output, where_no_file_can_be_without_a_name_it_has_a_temporary_one)
{
    open_output("%n.json");
    forbid_unnamed_files();
    int fd = output_begin(&output, "");
    cr_assert_geq(fd, 0);
    cr_expect_not(output.is_unnamed);
    cr_expect_eq(temporary_directory_count(&directory), 1);
    cr_expect_eq(output_end(&output, fd, -EIO, ""), -EIO);
    cr_expect_eq(temporary_directory_count(&directory), 0, "and is taken away");
    cr_expect_eq(write_dump("whole", 0), 0);
    expect_file("2.json", "whole");
}

Test(output, the_number_goes_up_over_files_that_are_there)
{
    char path[FILE_PATH_BYTES];
    open_output("d%n");
    write_text_file(path_in(&directory, "d1", path), "old 1");
    write_text_file(path_in(&directory, "d2", path), "old 2");
    cr_expect_eq(write_dump("new", 0), 0);
    expect_file("d1", "old 1");
    expect_file("d2", "old 2");
    expect_file("d3", "new");
    cr_expect_str_eq(output.path, path_in(&directory, "d3", path));
    cr_expect_eq(output.file_number, 3);
    cr_expect_eq(write_dump("next", 0), 0);
    expect_file("d4", "next");
}

static void expect_nothing_is_overwritten(void)
{
    char path[FILE_PATH_BYTES];
    write_text_file(path_in(&directory, "d1", path), "old");
    open_output("d%n");
    cr_expect_eq(write_dump("new", 0), 0);
    expect_file("d1", "old");
    expect_file("d2", "new");
    cr_expect_eq(temporary_directory_count(&directory), 2, "no other name is left");
    open_output("always");
    cr_expect_eq(write_dump("first", 0), 0);
    cr_expect_eq(write_dump("second", 0), 0);
    expect_file("always", "second");
    cr_expect_eq(temporary_directory_count(&directory), 3);
}

Test(output, nothing_is_overwritten_on_nfs)
{
    forbid_unnamed_files();
    forbid_rename_flags();
    expect_nothing_is_overwritten();
}

Test(output, nothing_is_overwritten_where_there_are_no_links)
{
    forbid_unnamed_files();
    forbid_links();
    expect_nothing_is_overwritten();
}

Test(output, nothing_is_overwritten_where_there_are_neither_links_nor_rename_flags)
{
    forbid_unnamed_files();
    forbid_rename_flags();
    forbid_links();
    expect_nothing_is_overwritten();
}

/* A process that is killed leaves its dump or nothing. */
Test(output, a_numbered_dump_has_no_other_name_meanwhile)
{
    open_output("d%n");
    int fd = output_begin(&output, "");
    cr_assert_geq(fd, 0);
    if (!output.is_unnamed)
        cr_skip_test("no file can be without a name in /tmp");
    forbid(SYS_renameat2, 0, 0, EPERM);
    cr_expect_eq(output_end(&output, fd, 0, ""), 0);
    expect_file("d1", "");
}

/* closefrom(3) in the midst of a dump, and then the program opens a file. */
Test(output, a_descriptor_that_the_program_took_is_left_to_it)
{
    for (int is_named = 0; is_named < 2; is_named++) {
        char path[FILE_PATH_BYTES];
        if (is_named)
            forbid_unnamed_files();
        open_output("d%n");
        int fd = output_begin(&output, "");
        write_text_file(path_in(&directory, "log", path), "the program's");
        int its = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        cr_assert_eq(dup2(its, fd), fd);
        cr_expect_eq(output_end(&output, fd, 0, ""), -EBADF);
        cr_expect_eq(write(fd, " own", 4), 4, "it is open");
        expect_file("log", "the program's own");
        cr_expect_eq(temporary_directory_count(&directory), 1);
        close(fd);
        close(its);
    }
}

Test(output, without_a_number_the_new_dump_replaces_the_old)
{
    open_output("always%%n");
    cr_expect_eq(write_dump("old", 0), 0);
    cr_expect_eq(write_dump("new", 0), 0);
    expect_file("always%n", "new");
    cr_expect_eq(temporary_directory_count(&directory), 1);
}

Test(output, a_failed_write_leaves_nothing)
{
    char path[FILE_PATH_BYTES];
    open_output("d%n");
    cr_expect_eq(write_dump("half", -ENOSPC), -ENOSPC);
    cr_expect_eq(temporary_directory_count(&directory), 0);
    open_output("d");
    write_text_file(path_in(&directory, "d", path), "old");
    cr_expect_eq(write_dump("half", -EIO), -EIO);
    expect_file("d", "old");
    cr_expect_eq(temporary_directory_count(&directory), 1, "the old dump stays");
}

Test(output, a_link_under_the_dumps_own_name_is_replaced_or_passed_over)
{
    char victim[FILE_PATH_BYTES], path[FILE_PATH_BYTES];
    write_text_file(path_in(&directory, "victim", victim), "untouched");
    cr_assert_eq(symlink(victim, path_in(&directory, "d1", path)), 0);
    open_output("d%n");
    cr_expect_eq(write_dump("dump", 0), 0);
    expect_file("d2", "dump");
    cr_assert_eq(symlink(victim, path_in(&directory, "always", path)), 0);
    open_output("always");
    cr_expect_eq(write_dump("dump", 0), 0);
    expect_file("always", "dump");
    expect_file("victim", "untouched");
}

/* Containers that share a volume: the same pid, the same path, at the same time. */
Test(output, two_writers_of_one_path_do_not_disturb_each_other)
{
    open_output("d%n");
    int first_fd = output_begin(&output, "");
    cr_assert_geq(first_fd, 0);
    struct output first = output;
    output.file_number = 0;
    int second_fd = output_begin(&output, "");
    cr_assert_geq(second_fd, 0);
    cr_assert_eq(write(first_fd, "first", 5), 5);
    cr_assert_eq(write(second_fd, "second", 6), 6);
    cr_expect_eq(output_end(&output, second_fd, 0, ""), 0);
    cr_expect_eq(output_end(&first, first_fd, 0, ""), 0);
    expect_file("d1", "second");
    expect_file("d2", "first");
    cr_expect_eq(temporary_directory_count(&directory), 2);
}

Test(output, says_why_no_file_can_be_made)
{
    static char long_name[300];
    char path[FILE_PATH_BYTES];
    open_output("missing/d%n");
    cr_expect_eq(output_begin(&output, ""), -ENOENT);
    write_text_file(path_in(&directory, "file", path), "x");
    open_output("file/d%n");
    cr_expect_eq(output_begin(&output, ""), -ENOTDIR);
    open_output("d%l");
    memset(long_name, 'l', sizeof long_name - 1);
    cr_expect_eq(output_begin(&output, long_name), -ENAMETOOLONG);
    cr_expect_eq(temporary_directory_count(&directory), 1);
    /* Expanded it is longer than any path. */
    strcpy(options.out, "/%l%l%l%l%l%l%l%l%l%l%l%l%l%l%l%l");
    output_open(&output, &options);
    cr_expect_eq(output_begin(&output, long_name), -ENAMETOOLONG);
}

Test(output, a_directory_under_the_dumps_name_is_an_error_that_leaves_nothing)
{
    char path[FILE_PATH_BYTES];
    cr_assert_eq(mkdir(path_in(&directory, "d", path), 0700), 0);
    open_output("d");
    cr_expect_eq(write_dump("dump", 0), -EISDIR);
    cr_expect_eq(temporary_directory_count(&directory), 1);
    rmdir(path);
}

Test(output, a_directory_that_cannot_be_written_is_an_error)
{
    if (geteuid() == 0)
        cr_skip_test("permission cannot be denied to root");
    cr_assert_eq(chmod(directory.path, 0500), 0);
    open_output("d%n");
    cr_expect_eq(output_begin(&output, ""), -EACCES);
    cr_assert_eq(chmod(directory.path, 0700), 0);
}

Test(output, a_full_file_system_leaves_nothing)
{
    enum { BLOCK_BYTES = 4096 };
    static const char block[BLOCK_BYTES] = {1};
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", directory.path, "tmpfs", 0, "size=64k") != 0)
        cr_skip_test("mounting is not permitted");
    open_output("d%n");
    int fd = output_begin(&output, "");
    cr_assert_geq(fd, 0);
    int error = 0;
    for (int i = 0; i < 100 && error == 0; i++)
        error = write(fd, block, sizeof block) < 0 ? -errno : 0;
    cr_expect_eq(error, -ENOSPC);
    cr_expect_eq(output_end(&output, fd, error, ""), -ENOSPC);
    cr_expect_eq(temporary_directory_count(&directory), 0);
    cr_expect_eq(write_dump("small", 0), 0, "there is room again");
    expect_file("d2", "small");
    umount(directory.path);
}
