/* SPDX-License-Identifier: Apache-2.0
 *
 * The fingerprints of two dumps side by side. What is compared is a table, a line each; what one of them does not know
 * differs from what the other one knows.
 */
#include "harness/diff_environment.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "harness/human.h"
#include "harness/wrap.h"

enum kind { KIND_TEXT, KIND_NUMBER, KIND_BYTES };

/* `absent`: what it means that a value is not there. */
static const struct fingerprint {
    const char *label;
    enum kind kind;
    size_t offset; /* in struct dump_environment */
    const char *absent;
} FINGERPRINTS[] = {
    {"kernel", KIND_TEXT, offsetof(struct dump_environment, kernel), "not known"},
    {"machine", KIND_TEXT, offsetof(struct dump_environment, machine), "not known"},
    {"cpus", KIND_NUMBER, offsetof(struct dump_environment, cpus), "not known"},
    {"OS page", KIND_BYTES, offsetof(struct dump_environment, os_page_bytes), "not known"},
    {"Go version", KIND_TEXT, offsetof(struct dump_environment, go_version), "not known"},
    {"build id", KIND_TEXT, offsetof(struct dump_environment, build_id), "not known"},
    {"GOGC", KIND_TEXT, offsetof(struct dump_environment, gogc), "not set"},
    {"GOMEMLIMIT", KIND_TEXT, offsetof(struct dump_environment, gomemlimit), "not set"},
    {"GODEBUG", KIND_TEXT, offsetof(struct dump_environment, godebug), "not set"},
    {"GOMAXPROCS", KIND_TEXT, offsetof(struct dump_environment, gomaxprocs), "not set"},
    {"transparent_hugepage/enabled", KIND_TEXT, offsetof(struct dump_environment, thp_enabled), "not known"},
    {"transparent_hugepage/defrag", KIND_TEXT, offsetof(struct dump_environment, thp_defrag), "not known"},
    {"khugepaged/max_ptes_none", KIND_NUMBER, offsetof(struct dump_environment, khugepaged_max_ptes_none), "not known"},
    {"cgroup memory limit", KIND_BYTES, offsetof(struct dump_environment, cgroup_memory_max_bytes), "none"},
};

static const char *text_at(const struct dump_environment *environment, size_t offset)
{
    return *(const char *const *)((const char *)environment + offset);
}

static uint64_t number_at(const struct dump_environment *environment, size_t offset)
{
    return *(const uint64_t *)((const char *)environment + offset);
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same(const struct fingerprint *fingerprint, const struct dump_environment *a,
                    const struct dump_environment *b)
{
    if (fingerprint->kind == KIND_TEXT)
        return is_same_text(text_at(a, fingerprint->offset), text_at(b, fingerprint->offset));
    return number_at(a, fingerprint->offset) == number_at(b, fingerprint->offset);
}

static void add_value(struct wrap *wrap, const struct fingerprint *fingerprint,
                      const struct dump_environment *environment)
{
    if (fingerprint->kind == KIND_TEXT) {
        const char *text = text_at(environment, fingerprint->offset);
        wrap_text(wrap, text == NULL ? fingerprint->absent : text[0] == '\0' ? "\"\"" : text);
        return;
    }
    uint64_t number = number_at(environment, fingerprint->offset);
    if (number == DUMP_NOT_KNOWN)
        wrap_text(wrap, fingerprint->absent);
    else if (fingerprint->kind == KIND_BYTES)
        wrap_text(wrap, human_bytes(number).text);
    else
        wrap_format(wrap, "%" PRIu64, number);
}

static void write_fingerprints(struct wrap *wrap, const struct dump *old_dump, const struct dump *new_dump)
{
    for (size_t i = 0; i < sizeof FINGERPRINTS / sizeof FINGERPRINTS[0]; i++) {
        if (is_same(&FINGERPRINTS[i], &old_dump->environment, &new_dump->environment))
            continue;
        wrap_format(wrap, "differs: %s:", FINGERPRINTS[i].label);
        add_value(wrap, &FINGERPRINTS[i], &old_dump->environment);
        wrap_text(wrap, "->");
        add_value(wrap, &FINGERPRINTS[i], &new_dump->environment);
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
