/* SPDX-License-Identifier: Apache-2.0
 *
 * The book "malloc" says what of malloc's memory is not known, and why.
 */
#include "dump/document_malloc.h"

#include <criterion/criterion.h>
#include <string.h>

static struct book fill(const struct malloc_heaps *heaps, const char *library)
{
    static struct module_row row;
    struct snapshot snapshot = {.malloc = *heaps};
    struct book book = {0};
    row = (struct module_row){.path = library};
    snapshot.modules.rows = &row;
    snapshot.modules.count = 1;
    document_fill_malloc(&book, &snapshot, NULL);
    cr_expect_str_eq(book.name, "malloc");
    return book;
}

Test(document_malloc, all_is_known_where_all_heaps_were_walked)
{
    struct book book = fill(&(struct malloc_heaps){.walked = 3, .rereads = 1}, "/usr/lib/libc.so.6");
    cr_expect_str_eq(book.how, "chunks");
    cr_expect_eq(book.missing_count, 0);
    cr_expect_eq(book.untrusted, 0);
}

Test(document_malloc, what_was_not_walked_is_named_with_its_reason)
{
    static const struct {
        struct malloc_heaps heaps;
        const char *library, *why;
    } CASES[] = {
        {{.torn = 2}, "/usr/lib/libc.so.6", "changed each time they were read"},
        {{.swapped = 1}, "/usr/lib/libc.so.6", "partly swapped out"},
        {{.too_long = 1}, "/usr/lib/libc.so.6", "would take too long"},
        {{0}, "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", "jemalloc"},
        {{0}, "/opt/libtcmalloc_minimal.so.4", "tcmalloc"},
        {{0}, "/opt/libmimalloc.so", "mimalloc"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct book book = fill(&CASES[i].heaps, CASES[i].library);
        cr_expect_str_eq(book.how, "none");
        cr_assert_eq(book.missing_count, 1, "%s", CASES[i].why);
        cr_expect_str_eq(book.missing[0].what, "c.heap.free");
        cr_expect_not_null(strstr(book.missing[0].why, CASES[i].why), "%s", book.missing[0].why);
        cr_expect_eq(book.untrusted, CASES[i].heaps.torn);
    }
}
