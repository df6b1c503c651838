/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a whole 2 MiB was given back, kernels since 6.14 free the page table too, and then there is nothing to
 * collapse: one byte of each is read, which maps the shared zero page and changes neither the contents nor the RSS. It
 * has to be the small one (up to go1.20 the heap is advised MADV_HUGEPAGE, and would get the huge zero page).
 */
#include "c_pages.h"

#include <errno.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static const uint64_t HUGE_BYTES = 2 << 20;

int c_pages_collapse(uintptr_t start, uint64_t bytes)
{
    void *memory = (void *)start;
    if (madvise(memory, bytes, MADV_NOHUGEPAGE) != 0)
        return errno;
    for (uint64_t at = 0; at < bytes; at += HUGE_BYTES)
        (void)*(volatile const char *)(start + at);
    if (madvise(memory, bytes, MADV_HUGEPAGE) != 0)
        return errno;
    return madvise(memory, bytes, MADV_COLLAPSE) == 0 ? 0 : errno;
}
