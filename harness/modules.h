/* SPDX-License-Identifier: Apache-2.0
 *
 * The Go runtimes of a process that is looked at from outside, and their heaps.
 *
 * A module is a file mapping that begins at the file's front with an ELF header, wherever it came from: the program
 * itself (static or not), a c-shared library. What the shim finds by being in the process is found here by looking
 * through the mappings.
 */
#ifndef GPW_HARNESS_MODULES_H
#define GPW_HARNESS_MODULES_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/heap_books.h"
#include "goruntime/heap_find.h"
#include "goruntime/runtime_find.h"
#include "memory/bump.h"
#include "memory/reader.h"
#include "memory/vma.h"

struct module {
    const struct vma *vma; /* the first one: `name` is the module's path as the process knows it */
    struct go_runtime runtime;
    struct go_heap heap; /* `layout` is NULL where it was not found */
};

struct modules {
    struct module modules[HEAPS_MAX];
    uint32_t count;
    uint32_t dropped; /* Go modules beyond HEAPS_MAX */
};

/* Where to look. `vmas` must outlive the modules. */
struct modules_source {
    const struct vma_list *vmas;
    struct reader *reader;
    /* The path by which the file of a mapping can be opened, for its section headers; NULL: it cannot. Valid until the
     * next call. */
    const char *(*file_path)(void *context, const struct vma *vma);
    void *context;
};

/* `modules` must not be moved afterwards. False: no memory. */
bool modules_find(struct modules *modules, const struct modules_source *source, struct bump *bump);

#endif
