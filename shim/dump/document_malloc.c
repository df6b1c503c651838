/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling the book "malloc".
 */
#include "dump/document_malloc.h"

#include <stddef.h>
#include <string.h>

static const char FREE[] = "c.heap.free";

#define COUNTS_AS_USED "; all of their memory counts as c.heap.used"

#define WHY_MUTE(name, where)                                                                             \
    "this program's malloc is " name ", whose statistics only the shim can ask for, inside the program, " \
    "and where they are exported; " where
#define COUNTS_AS_MMAP "its memory counts as c.mmap"

/* A malloc that is not glibc's, by the name of its library, where nobody could ask it; NULL: none is loaded. */
static const char *why_other_malloc(const struct module_rows *modules)
{
    static const struct {
        const char *name, *why;
    } OTHERS[] = {
        {"/libjemalloc", WHY_MUTE("jemalloc", COUNTS_AS_MMAP)},
        {"/libtcmalloc", WHY_MUTE("tcmalloc", "what it has by brk counts as c.heap.used, the rest as c.mmap")},
        {"/libmimalloc", WHY_MUTE("mimalloc", COUNTS_AS_MMAP)},
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

static void fill_other(struct book *book, const struct other_malloc *other)
{
    if (other->counters_count != 0)
        book->how = other->name;
    if (other->why_empty != NULL)
        book_miss(book, FREE, other->why_empty);
    if (other->why_lost != NULL)
        book_miss(book, "c.heap.used, c.heap.free", other->why_lost);
    book_count(book, "ask_ns", other->ask_ns);
    for (uint32_t i = 0; i < other->counters_count; i++)
        book_count(book, other->counters[i].name, other->counters[i].value);
}

void document_fill_malloc(struct book *book, const struct snapshot *snapshot, const struct other_malloc *other)
{
    const struct malloc_heaps *malloc = &snapshot->malloc;
    bool has_other = other != NULL && other->name != NULL;
    const char *why_other = has_other ? NULL : why_other_malloc(&snapshot->modules);
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
    if (has_other)
        fill_other(book, other);
}
