/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines on stderr without stdio. strerror is not used: it may allocate and take the locale's lock.
 */
#include "preload/log.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "memory/file_identity.h"
#include "memory/raw.h"
#include "memory/units.h"

enum { LINE_BYTES = 2048, STDERR = 2 };

/* Not in struct shim, for the command speaks by this too. */
static struct {
    enum log_level level;
    bool is_open;
    struct file_identity file; /* then: that stderr was */
} talk = {.level = LOG_ERROR};

void log_set_level(enum log_level level)
{
    talk.level = level;
}

void log_open(void)
{
    talk.file = file_identity_of(STDERR);
    talk.is_open = true;
}

void log_line(enum log_level level, const char *const texts[])
{
    if (level > talk.level || (talk.is_open && !file_identity_is_at(&talk.file, STDERR)))
        return;
    char line[LINE_BYTES];
    uint64_t filled = 0;
    const char *text = "gopagewatch: ";
    for (int i = 0; text != NULL; text = texts[i++]) {
        uint64_t bytes = min_u64(strlen(text), sizeof line - 1 - filled);
        memcpy(line + filled, text, bytes);
        filled += bytes;
    }
    line[filled++] = '\n';
    raw_write(STDERR, line, filled);
}

static const struct {
    int number;
    const char *text;
} ERRORS[] = {
    {EACCES, "permission denied (EACCES)"},
    {EPERM, "operation not permitted (EPERM)"},
    {ENOENT, "no such file or directory (ENOENT)"},
    {ENOTDIR, "not a directory (ENOTDIR)"},
    {EISDIR, "is a directory (EISDIR)"},
    {EEXIST, "file exists (EEXIST)"},
    {ELOOP, "is a symbolic link (ELOOP)"},
    {ENOSPC, "no space left on device (ENOSPC)"},
    {EDQUOT, "disk quota exceeded (EDQUOT)"},
    {EFBIG, "file too large (EFBIG)"},
    {EROFS, "read-only file system (EROFS)"},
    {EMFILE, "no file descriptor left (EMFILE)"},
    {ENFILE, "no file descriptor left in the system (ENFILE)"},
    {ENOMEM, "out of memory (ENOMEM)"},
    {ENAMETOOLONG, "name too long (ENAMETOOLONG)"},
    {EIO, "input/output error (EIO)"},
    {EAGAIN, "resource temporarily unavailable (EAGAIN)"},
    {ESRCH, "no such process (ESRCH)"},
    {EINVAL, "invalid argument (EINVAL)"},
    {ENOSYS, "not known to this kernel (ENOSYS)"},
    {EBADF, "the program closed its descriptor (EBADF)"},
};

const char *error_text(int negative_errno, char buffer[NUMBER_TEXT_BYTES + 8])
{
    for (unsigned i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++) {
        if (ERRORS[i].number == -negative_errno)
            return ERRORS[i].text;
    }
    char digits[NUMBER_TEXT_BYTES];
    strcpy(buffer, "errno ");
    strcpy(buffer + 6, number_text((uint64_t)-negative_errno, digits));
    return buffer;
}
