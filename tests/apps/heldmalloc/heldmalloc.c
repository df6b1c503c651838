/* SPDX-License-Identifier: Apache-2.0
 *
 * A library to preload whose statistics function (that of a jemalloc built with a prefix) stands still, as it does
 * while a thread holds its lock: until somebody opens the pipe named by HELDMALLOC for writing. From then on it knows
 * no statistics.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int je_mallctl(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes);

int je_mallctl(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes)
{
    static atomic_int is_released;
    const char *pipe = getenv("HELDMALLOC");
    (void)old, (void)old_bytes, (void)new, (void)new_bytes;
    if (pipe == NULL)
        abort();
    if (!is_released) {
        int fd = open(pipe, O_RDONLY | O_CLOEXEC);
        is_released = 1;
        close(fd);
    }
    return strcmp(name, "epoch") == 0 ? 0 : ENOENT;
}
