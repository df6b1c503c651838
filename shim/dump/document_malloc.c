/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling the book "malloc".
 */
#include "dump/document_malloc.h"

#include <stddef.h>
#include <string.h>

#define COUNTS_AS_USED "; all of their memory counts as c.heap.used"

/* A malloc that is not glibc's, by the name of its library; NULL: none is loaded. */
static const char *why_other_malloc(const struct module_rows *modules)
{
    static const struct {
        const char *name, *why;
    } OTHERS[] = {
        {"/libjemalloc", "this program's malloc is jemalloc, whose books are not read; its memory counts as c.mmap"},
        {"/libtcmalloc", "this program's malloc is tcmalloc, whose books are not read; its memory counts as c.mmap"},
        {"/libmimalloc", "this program's malloc is mimalloc, whose books are not read; its memory counts as c.mmap"},
    };
    for (uint64_t i = 0; i < modules->count; i++) {
        for (unsigned k = 0; k < sizeof OTHERS / sizeof OTHERS[0]; k++) {
            const char *file = strrchr(modules->rows[i].path, '/');
            if (file != NULL && strncmp(file, OTHERS[k].name, strlen(OTHERS[k].name)) == 0)
                return OTHERS[k].why;
        }
    }
    return NULL;
}

void document_fill_malloc(struct book *book, const struct snapshot *snapshot)
{
    static const char FREE[] = "c.heap.free";
    const struct malloc_heaps *malloc = &snapshot->malloc;
    const char *why_other = why_other_malloc(&snapshot->modules);
    book->name = "malloc";
    book->how = malloc->walked == 0 ? "none" : "chunks";
    book->untrusted = malloc->torn;
    if (malloc->torn != 0)
        book_miss(book, FREE,
                  "some of malloc's heaps changed each time they were read, or are not laid out by "
                  "glibc" COUNTS_AS_USED);
    if (malloc->swapped != 0)
        book_miss(book, FREE,
                  "some of malloc's heaps are partly swapped out, and reading would bring them back" COUNTS_AS_USED);
    if (malloc->too_long != 0)
        book_miss(book, FREE, "some of malloc's heaps were left out for a dump would take too long" COUNTS_AS_USED);
    if (why_other != NULL)
        book_miss(book, FREE, why_other);
    book_count(book, "heaps_walked", malloc->walked);
    book_count(book, "heaps_reread", malloc->rereads);
    book_count(book, "heaps_swapped", malloc->swapped);
    book_count(book, "heaps_too_long", malloc->too_long);
    book_count(book, "read_bytes", malloc->read_bytes);
    book_count(book, "walk_ns", malloc->walk_ns);
}
