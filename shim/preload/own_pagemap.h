/* SPDX-License-Identifier: Apache-2.0
 *
 * The process's own pagemap, opened once and kept.
 *
 * /proc/self/pagemap has the mode 0400. When a process changes its user or its capabilities, or says that it is not
 * dumpable, the kernel gives its files in /proc to root (fs/exec.c:set_dumpable, fs/proc/base.c:task_dump_owner): a
 * daemon that begins as root and calls setuid could not open it any more. What was opened before stays good. The other
 * files a dump needs may be read by all, and the kernel lets a process see its own memory through them.
 */
#ifndef GPW_PRELOAD_OWN_PAGEMAP_H
#define GPW_PRELOAD_OWN_PAGEMAP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "memory/file_identity.h"

struct own_pagemap {
    _Atomic int fd; /* plus one; 0: none */
    struct file_identity file;
};

/* The descriptor, opened when it is not yet or no longer there; it stays open. -EACCES, -EPERM: this process may not;
 * or another -errno. Allowed context: dumper. */
int own_pagemap_get(struct own_pagemap *pagemap);

/* Has the program left alone what own_pagemap_get gave? Allowed context: dumper. */
bool own_pagemap_is_there(const struct own_pagemap *pagemap);

/* It tells about the parent's memory. Allowed context: forked child. */
void own_pagemap_forget(struct own_pagemap *pagemap);

#endif
