/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking things up in a dump that was read.
 */
#include "harness/dump.h"

#include <stddef.h>
#include <string.h>

const struct dump_book *dump_find_book(const struct dump *dump, const char *name)
{
    for (uint64_t i = 0; i < dump->books_count; i++) {
        if (strcmp(dump->books[i].name, name) == 0)
            return &dump->books[i];
    }
    return NULL;
}

uint64_t dump_counter_value(const struct dump *dump, const char *book, const char *name)
{
    for (uint64_t i = 0; i < dump->counters_count; i++) {
        if (strcmp(dump->counters[i].book, book) == 0 && strcmp(dump->counters[i].name, name) == 0)
            return dump->counters[i].value;
    }
    return 0;
}

void dump_free(struct dump *dump)
{
    bump_close(&dump->events_bump);
    bump_close(&dump->bump);
    *dump = (struct dump){0};
}
