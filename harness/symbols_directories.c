/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory that cannot be read is refused at once: otherwise all there would be of it are addresses without names.
 */
#include "harness/symbols_directories.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool symbols_directories_add(struct symbols_directories *directories, const char *path, struct error *error)
{
    static const char MEND[] = "--symbols takes a directory with the program and its libraries in it";
    struct stat status;
    if (stat(path, &status) != 0 || (S_ISDIR(status.st_mode) && access(path, X_OK) != 0))
        return error_set(error, "%s; %s", strerror(errno), MEND);
    if (!S_ISDIR(status.st_mode))
        return error_set(error, "is no directory; %s", MEND);
    if (directories->count == SYMBOLS_DIRECTORIES_MAX)
        return error_set(error, "is one directory too many: --symbols can be given %d times", SYMBOLS_DIRECTORIES_MAX);
    directories->paths[directories->count++] = path;
    return true;
}

struct symbols_options symbols_directories_options(const struct symbols_directories *directories)
{
    return (struct symbols_options){.directories = directories->paths, .directories_count = directories->count};
}
