/* SPDX-License-Identifier: Apache-2.0
 *
 * Is it still the same file behind a number?
 *
 * A program may close any descriptor, ours as well (closefrom(3), daemons), and the number goes to what it opens next.
 * So what is kept over time is looked at before it is used. A call that lies between the look and the use is not seen.
 *
 * Allowed context: any.
 */
#ifndef GPW_MEMORY_FILE_IDENTITY_H
#define GPW_MEMORY_FILE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "memory/raw.h"

struct file_identity {
    uint64_t device, inode; /* all zero: of no file */
};

/* Of the file behind `fd`; of no file when that is not open. */
static inline struct file_identity file_identity_of(int fd)
{
    struct stat status = {0};
    if (raw_failed(raw_fstat(fd, &status)))
        return (struct file_identity){0};
    return (struct file_identity){status.st_dev, status.st_ino};
}

/* No file is at no descriptor. */
static inline bool file_identity_is_at(const struct file_identity *file, int fd)
{
    struct file_identity found = file_identity_of(fd);
    return found.inode != 0 && found.inode == file->inode && found.device == file->device;
}

#endif
