/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeping the own pagemap.
 */
#include "preload/own_pagemap.h"

#include "memory/raw.h"
#include "preload/descriptor.h"

static int kept_fd(const struct own_pagemap *pagemap)
{
    return atomic_load_explicit(&pagemap->fd, memory_order_relaxed) - 1;
}

bool own_pagemap_is_there(const struct own_pagemap *pagemap)
{
    return file_identity_is_at(&pagemap->file, kept_fd(pagemap));
}

int own_pagemap_get(struct own_pagemap *pagemap)
{
    if (own_pagemap_is_there(pagemap))
        return kept_fd(pagemap);
    int fd = raw_open("/proc/self/pagemap", O_RDONLY, 0);
    if (fd < 0)
        return fd;
    fd = descriptor_move_up(fd);
    pagemap->file = file_identity_of(fd);
    atomic_store_explicit(&pagemap->fd, fd + 1, memory_order_relaxed);
    return fd;
}

void own_pagemap_forget(struct own_pagemap *pagemap)
{
    if (own_pagemap_is_there(pagemap))
        raw_close(kept_fd(pagemap));
    atomic_store_explicit(&pagemap->fd, 0, memory_order_relaxed);
}
