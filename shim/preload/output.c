/* SPDX-License-Identifier: Apache-2.0
 *
 * Naming and opening a dump's file, and giving it its name.
 */
#include "preload/output.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "memory/file_identity.h"
#include "memory/raw.h"
#include "memory/text.h"
#include "memory/units.h"
#include "preload/descriptor.h"
#include "preload/log.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

enum { FILE_MODE = 0600, NAME_BYTES_MAX = 255 /* NAME_MAX */, NAMES_TRIED_MAX = 100000 };

static const char TEMPORARY_SUFFIX[] = ".part";

static int raw_rename(const char *from, const char *to, unsigned flags)
{
    return (int)raw_syscall6(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, (long)flags, 0);
}

static void raw_unlink(const char *path)
{
    raw_syscall6(SYS_unlinkat, AT_FDCWD, (long)path, 0, 0, 0, 0);
}

/* What goes into a path from outside must not leave the directory. */
static bool append(char *path, uint64_t *filled, const char *text, bool is_word)
{
    for (; *text != '\0'; text++) {
        if (*filled + 1 >= OUTPUT_PATH_BYTES)
            return false;
        bool begins_name = *filled == 0 || path[*filled - 1] == '/';
        bool leads_away = *text == '/' || (*text == '.' && begins_name);
        path[(*filled)++] = (char)(is_word && leads_away ? '_' : *text);
    }
    path[*filled] = '\0';
    return true;
}

static const char *expand_one(char letter, const struct output_words *words, char number[NUMBER_TEXT_BYTES])
{
    switch (letter) {
    case 'p':
        return number_text(words->pid, number);
    case 'n':
        return number_text(words->number, number);
    case 't':
        return number_text(words->unix_seconds, number);
    case 'e':
        return words->program;
    case 'h':
        return words->host;
    case 'l':
        return words->label;
    default:
        return "%";
    }
}

bool output_expand(const char *pattern, const struct output_words *words, char *path)
{
    uint64_t filled = 0;
    path[0] = '\0';
    for (const char *at = pattern; *at != '\0'; at++) {
        char number[NUMBER_TEXT_BYTES];
        char plain[2] = {*at, '\0'};
        bool is_word = *at == '%' && at[1] != '\0';
        const char *text = is_word ? expand_one(*++at, words, number) : plain;
        if (!append(path, &filled, text, is_word))
            return false;
    }
    return true;
}

static bool has_number(const char *pattern)
{
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == '%' && *++at == 'n')
            return true;
        if (*at == '\0')
            return false;
    }
    return false;
}

/* So that a later chdir does not move it. */
static void make_absolute(const char *given, char pattern[OUTPUT_PATH_BYTES])
{
    uint64_t filled = 0, given_bytes = strlen(given);
    if (given[0] != '/') {
        /* The kernel counts the zero. */
        long bytes = raw_syscall6(SYS_getcwd, (long)pattern, OUTPUT_PATH_BYTES - 1, 0, 0, 0, 0);
        if (!raw_failed(bytes) && pattern[0] == '/') {
            filled = (uint64_t)bytes - 1;
            pattern[filled++] = '/';
        }
    }
    if (filled + given_bytes >= OUTPUT_PATH_BYTES)
        filled = 0; /* the directory's name is too long: relative it stays */
    memcpy(pattern + filled, given, given_bytes + 1);
}

void output_open(struct output *output, const struct options *options)
{
    struct utsname system;
    make_absolute(options->out, output->pattern);
    read_small_file("/proc/self/comm", output->program, sizeof output->program);
    output->program[strcspn(output->program, "\n")] = '\0';
    if (!raw_failed(raw_syscall6(SYS_uname, (long)&system, 0, 0, 0, 0, 0)))
        memcpy(output->host, system.nodename, strnlen(system.nodename, sizeof output->host - 1));
}

static struct output_words words_of(const struct output *output, const char *label)
{
    return (struct output_words){
        .pid = (uint64_t)raw_getpid(),
        .number = output->file_number,
        .unix_seconds = raw_clock_ns(CLOCK_REALTIME) / 1000000000u,
        .program = output->program,
        .host = output->host,
        .label = label,
    };
}

static bool name_next(struct output *output, const char *label)
{
    struct output_words words = words_of(output, label);
    return output_expand(output->pattern, &words, output->path);
}

bool output_name_other(const struct output *output, const char *pattern, char *path)
{
    char expanded[OUTPUT_PATH_BYTES];
    struct output_words words = words_of(output, "");
    if (!output_expand(pattern, &words, expanded))
        return false;
    make_absolute(expanded, path);
    return true;
}

/* Where the name begins behind the directory. */
static uint64_t name_offset(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (uint64_t)(slash + 1 - path);
}

/* A file without a name in the directory of the dump; -errno where there is none (EOPNOTSUPP, EISDIR). */
static int open_unnamed(struct output *output)
{
    uint64_t offset = name_offset(output->path);
    char first = output->path[offset];
    output->path[offset] = '\0';
    int fd = raw_open(offset == 0 ? "." : output->path, O_WRONLY | O_TMPFILE, FILE_MODE);
    output->path[offset] = first;
    return fd;
}

int output_begin(struct output *output, const char *label)
{
    char pid[NUMBER_TEXT_BYTES], now[NUMBER_TEXT_BYTES];
    output->file_number++;
    if (!name_next(output, label))
        return -ENAMETOOLONG;
    const char *const parts[] = {output->path,
                                 ".",
                                 number_text((uint64_t)raw_getpid(), pid),
                                 ".",
                                 number_text(raw_clock_ns(CLOCK_REALTIME), now),
                                 TEMPORARY_SUFFIX};
    output->temporary[0] = '\0';
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
        strcat(output->temporary, parts[i]);
    if (strlen(output->temporary) - name_offset(output->temporary) > NAME_BYTES_MAX)
        return -ENAMETOOLONG;
    int fd = open_unnamed(output);
    output->is_unnamed = fd >= 0;
    if (!output->is_unnamed)
        fd = raw_open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return fd;
    fd = descriptor_move_up(fd);
    output->file = file_identity_of(fd);
    return fd;
}

static int link_to(const char *from, const char *to, int flags)
{
    return (int)raw_syscall6(SYS_linkat, AT_FDCWD, (long)from, AT_FDCWD, (long)to, flags, 0);
}

/* By its link in /proc, since the empty path asks for a capability (linkat(2), AT_EMPTY_PATH). */
static int link_unnamed(int fd, const char *to)
{
    char link[sizeof "/proc/self/fd/" + NUMBER_TEXT_BYTES] = "/proc/self/fd/", number[NUMBER_TEXT_BYTES];
    strcat(link, number_text((uint64_t)fd, number));
    return link_to(link, to, AT_SYMLINK_FOLLOW);
}

/* -EEXIST: a file of this name is there. */
static int place_new(const struct output *output, int fd)
{
    if (output->is_unnamed)
        return link_unnamed(fd, output->path);
    int error = link_to(output->temporary, output->path, 0);
    if (error == 0)
        raw_unlink(output->temporary);
    if (error == 0 || error == -EEXIST)
        return error;
    /* No links here (vfat, some FUSE file systems). */
    error = raw_rename(output->temporary, output->path, RENAME_NOREPLACE);
    if (error != -EINVAL)
        return error;
    /* Nor does it know the flag: then another process's file of the same moment is not seen. */
    bool is_free = raw_syscall6(SYS_faccessat, AT_FDCWD, (long)output->path, F_OK, 0, 0, 0) == -ENOENT;
    return is_free ? raw_rename(output->temporary, output->path, 0) : -EEXIST;
}

static int replace(const struct output *output, int fd)
{
    if (output->is_unnamed) {
        int error = link_unnamed(fd, output->path);
        if (error != -EEXIST || (error = link_unnamed(fd, output->temporary)) != 0)
            return error;
    }
    return raw_rename(output->temporary, output->path, 0);
}

static int put_in_place(struct output *output, int fd, const char *label)
{
    if (!has_number(output->pattern))
        return replace(output, fd);
    for (int i = 0; i < NAMES_TRIED_MAX; i++) {
        int error = place_new(output, fd);
        if (error != -EEXIST)
            return error;
        output->file_number++;
        if (!name_next(output, label))
            return -ENAMETOOLONG;
    }
    return -EEXIST;
}

/* What a file system has to say of what was written it may say at a close (NFS, quotas). That of a duplicate is enough,
 * and the file is needed once more. */
static int close_a_duplicate(int fd)
{
    long duplicate = raw_syscall6(SYS_fcntl, fd, F_DUPFD_CLOEXEC, DESCRIPTOR_MIN, 0, 0, 0);
    return raw_failed(duplicate) ? 0 : (int)raw_syscall6(SYS_close, duplicate, 0, 0, 0, 0, 0);
}

int output_end(struct output *output, int fd, int error, const char *label)
{
    bool is_there = file_identity_is_at(&output->file, fd);
    if (error == 0)
        error = is_there ? close_a_duplicate(fd) : -EBADF;
    if (error == 0)
        error = put_in_place(output, fd, label);
    if (is_there)
        raw_close(fd);
    if (error != 0)
        raw_unlink(output->temporary);
    return error;
}
