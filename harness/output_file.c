/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a file under a temporary name.
 */
#include "harness/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool fail(struct error *error, const char *deed, int number)
{
    return error_set(error, "cannot be %s: %s; name another place for it, or '-' for standard output", deed,
                     strerror(number));
}

bool output_file_open(struct output_file *file, const char *path, struct error *error)
{
    struct timespec now = {0, 0};
    struct stat existing;
    file->path = path;
    file->fd = STDOUT_FILENO;
    if (output_file_is_stdout(file))
        return true;
    if (stat(path, &existing) == 0 && !S_ISREG(existing.st_mode))
        return error_set(error, "is there and is no file; give another name with -o FILE, or -o - for standard output");
    clock_gettime(CLOCK_REALTIME, &now);
    int bytes = snprintf(file->temporary, sizeof file->temporary, "%s.%d.%lld%09ld.part", path, (int)getpid(),
                         (long long)now.tv_sec, now.tv_nsec);
    if (bytes >= (int)sizeof file->temporary)
        return fail(error, "created", ENAMETOOLONG);
    file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return file->fd >= 0 || fail(error, "created", errno);
}

void output_file_let_all_read(const struct output_file *file)
{
    enum { ALL_READ = 0644 };
    /* Where the file system has no such thing it is as it is. */
    if (!output_file_is_stdout(file) && fchmod(file->fd, ALL_READ) != 0)
        return;
}

bool output_file_finish(struct output_file *file, int write_error, struct error *error)
{
    if (output_file_is_stdout(file))
        return write_error == 0 || fail(error, "written", -write_error);
    if (close(file->fd) != 0 && write_error == 0)
        write_error = -errno;
    if (write_error == 0 && rename(file->temporary, file->path) != 0)
        write_error = -errno;
    if (write_error == 0)
        return true;
    unlink(file->temporary);
    return fail(error, "written", -write_error);
}
