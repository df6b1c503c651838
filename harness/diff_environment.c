/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reader of a comparison must know, a line each.
 */
#include "harness/diff_environment.h"

#include <string.h>

#include "harness/fingerprint.h"
#include "harness/wrap.h"

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void write_fingerprints(struct wrap *wrap, const struct dump *old_dump, const struct dump *new_dump)
{
    for (uint32_t i = 0; i < fingerprint_count(); i++) {
        const struct fingerprint *fingerprint = fingerprint_at(i);
        if (fingerprint_is_same(fingerprint, &old_dump->environment, &new_dump->environment))
            continue;
        wrap_format(wrap, "differs: %s:", fingerprint->label);
        wrap_text(wrap, fingerprint_value(fingerprint, &old_dump->environment).text);
        wrap_text(wrap, "->");
        wrap_text(wrap, fingerprint_value(fingerprint, &new_dump->environment).text);
        wrap_end(wrap);
    }
}

/* "layout" of "layout go1.26": the version is told elsewhere. */
static bool is_same_way(const char *how, const char *other)
{
    size_t bytes = strcspn(how, " ");
    return bytes == strcspn(other, " ") && strncmp(how, other, bytes) == 0;
}

/* Books that were read in another way may count the same memory in another class. */
static void write_books(struct wrap *wrap, const struct dump *old_dump, const struct dump *new_dump)
{
    for (uint64_t i = 0; i < old_dump->books_count; i++) {
        const struct dump_book *old_book = &old_dump->books[i];
        const struct dump_book *new_book = dump_find_book(new_dump, old_book->name);
        if (new_book == NULL || is_same_way(old_book->how, new_book->how))
            continue;
        wrap_format(wrap, "differs: how %s was read:", old_book->name);
        wrap_text(wrap, old_book->how);
        wrap_text(wrap, "->");
        wrap_text(wrap, new_book->how);
        wrap_glue(wrap, ";");
        wrap_text(wrap, "the same memory may count in another class");
        wrap_end(wrap);
    }
}

static const char *program_of(const struct dump *dump, bool by_exe)
{
    const char *name = by_exe ? dump->process.exe : dump->process.comm;
    return name != NULL ? name : "not known";
}

/* A program that was upgraded lies elsewhere, perhaps, and has its name still: both must differ. */
static void write_programs(struct wrap *wrap, const struct dump *old_dump, const struct dump *new_dump)
{
    bool is_other_comm = strcmp(program_of(old_dump, false), program_of(new_dump, false)) != 0;
    bool is_other_exe = strcmp(program_of(old_dump, true), program_of(new_dump, true)) != 0;
    const char *old_host = old_dump->process.host, *new_host = new_dump->process.host;
    if (is_other_comm && is_other_exe) {
        wrap_text(wrap, "warning: these are dumps of different programs:");
        wrap_text(wrap, program_of(old_dump, true));
        wrap_text(wrap, "and");
        wrap_text(wrap, program_of(new_dump, true));
    } else if (old_dump->process.pid != new_dump->process.pid || !is_same_text(old_host, new_host)) {
        wrap_text(wrap, "note: two processes of the same program");
    }
    wrap_end(wrap);
}

static void write_order(struct wrap *wrap, const struct dump *old_dump, const struct dump *new_dump)
{
    if (old_dump->time.unix_ns > new_dump->time.unix_ns)
        wrap_text(wrap, "warning: OLD was taken after NEW: what shows as growth was shrinkage; swap the two");
    else if (old_dump->time.unix_ns == new_dump->time.unix_ns && old_dump->process.pid == new_dump->process.pid)
        wrap_text(wrap, "note: both were taken at the same instant: it is one dump twice");
    wrap_end(wrap);
}

void diff_write_notes(FILE *out, const struct dump *old_dump, const struct dump *new_dump,
                      const struct diff_options *options)
{
    struct wrap wrap = {.out = out, .width_columns = options->width_columns, .hang_columns = 2};
    write_programs(&wrap, old_dump, new_dump);
    write_order(&wrap, old_dump, new_dump);
    write_fingerprints(&wrap, old_dump, new_dump);
    write_books(&wrap, old_dump, new_dump);
}
