/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs are killed before (guardian.h), but a killed thread may still finish the system call that it is in: a
 * directory that is not empty after all is gone through again.
 */
#include "tests/e2e/support/temp_dir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/support/fail.h"

enum { OPEN_DIRECTORIES_MAX = 16, TRIES = 5 };

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

static int make_writable(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)where;
    if (kind == FTW_D || kind == FTW_DNR)
        chmod(path, S_IRWXU);
    return 0;
}

static void remove_tree(const void *what)
{
    const char *path = what;
    for (int i = 0; i < TRIES && access(path, F_OK) == 0; i++) {
        nftw(path, make_writable, OPEN_DIRECTORIES_MAX, FTW_PHYS | FTW_MOUNT);
        nftw(path, remove_one, OPEN_DIRECTORIES_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    }
}

struct temp_dir temp_dir_make(void)
{
    struct temp_dir dir = {.path = ""};
    const char *base = getenv("TMPDIR");
    int length = snprintf(dir.path, sizeof dir.path, "%s/gopagewatch-test.XXXXXX", base == NULL ? "/tmp" : base);
    if (length < 0 || (size_t)length >= sizeof dir.path)
        fail("TMPDIR is too long: %s", base);
    must(mkdtemp(dir.path) != NULL, "%s", dir.path);
    dir.guardian = guardian_start(remove_tree, dir.path);
    return dir;
}

void temp_dir_remove(struct temp_dir *dir)
{
    guardian_act(&dir->guardian);
}
