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
        return error_set(error, "is there and is no file; name another file, or '-' for standard output");
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

/* Over the file's descriptor. 0, or -errno of what opening and closing the stream met. */
static int write_stream(int fd, bool (*write)(FILE *out, void *context, struct error *error), void *context,
                        bool *is_written, struct error *error)
{
    int copy = dup(fd);
    FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
    *is_written = true;
    if (out == NULL) {
        int number = -errno;
        if (copy >= 0)
            close(copy);
        return number;
    }
    *is_written = write(out, context, error);
    errno = 0;
    bool has_failed = ferror(out) != 0;
    has_failed |= fclose(out) != 0;
    return !has_failed ? 0 : errno != 0 ? -errno : -EIO;
}

bool output_file_write(const char *path, bool (*write)(FILE *out, void *context, struct error *error), void *context,
                       bool is_for_all, struct error *error)
{
    struct output_file file;
    struct error ignored;
    bool is_written;
    if (!output_file_open(&file, path, error))
        return false;
    if (is_for_all)
        output_file_let_all_read(&file);
    int number = write_stream(file.fd, write, context, &is_written, error);
    if (is_written)
        return output_file_finish(&file, number, error);
    output_file_finish(&file, -ECANCELED, &ignored);
    return false;
}
