/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands where in a dump: a table of keys for each kind of object, and the lists whose length only the file knows.
 *
 * Lists are counted before they are read, so that each is one array; the document does not change in between.
 */
#include "harness/dump_decode.h"

#include <stdio.h>
#include <string.h>

#include "harness/dump_decode_go.h"
#include "harness/fields.h"
#include "harness/fingerprint.h"

_Static_assert(DUMP_NOT_KNOWN == FIELD_NOT_KNOWN, "null reads the same everywhere");

/* Address space for all texts and rows of a dump: some hundred KiB for a usual one, 10 KiB for each arena of a heap
 * that is in pieces. */
#define ARENA_BYTES ((uint64_t)1 << 30)

static const struct field DUMP_FIELDS[] = {
    {"reason", FIELD_TEXT, offsetof(struct dump, reason)},
    {"seq", FIELD_NUMBER, offsetof(struct dump, seq)},
    {"label", FIELD_TEXT, offsetof(struct dump, label)},
    {"phase", FIELD_TEXT_IF_THERE, offsetof(struct dump, phase)},
    {"time.utc", FIELD_TEXT, offsetof(struct dump, time.utc)},
    {"time.unix_ns", FIELD_NUMBER, offsetof(struct dump, time.unix_ns)},
    {"time.since_start_ns", FIELD_NUMBER_OR_NULL, offsetof(struct dump, time.since_start_ns)},
    {"time.took_ns", FIELD_NUMBER_OR_NULL, offsetof(struct dump, time.took_ns)},
    {"process.pid", FIELD_NUMBER, offsetof(struct dump, process.pid)},
    {"process.comm", FIELD_TEXT_OR_NULL, offsetof(struct dump, process.comm)},
    {"process.exe", FIELD_TEXT_OR_NULL, offsetof(struct dump, process.exe)},
    {"process.host", FIELD_TEXT_OR_NULL, offsetof(struct dump, process.host)},
    {"process.threads", FIELD_NUMBER_OR_NULL, offsetof(struct dump, process.threads)},
    {"rss.total", FIELD_NUMBER, offsetof(struct dump, rss.total_bytes)},
    {"rss.peak", FIELD_NUMBER_OR_NULL, offsetof(struct dump, rss.peak_bytes)},
    {"rss.swapped", FIELD_NUMBER_OR_NULL, offsetof(struct dump, rss.swapped_bytes)},
    {"rss.explained", FIELD_NUMBER, offsetof(struct dump, rss.stated_explained_bytes)},
};

static const struct field SIZES_FIELDS[] = {
    {"mapped", FIELD_NUMBER, offsetof(struct dump_sizes, mapped_bytes)},
    {"resident", FIELD_NUMBER, offsetof(struct dump_sizes, resident_bytes)},
    {"swapped", FIELD_NUMBER, offsetof(struct dump_sizes, swapped_bytes)},
    {"huge", FIELD_NUMBER, offsetof(struct dump_sizes, huge_bytes)},
    {"lazyfree", FIELD_NUMBER, offsetof(struct dump_sizes, lazyfree_bytes)},
};

static const struct field BOOK_FIELDS[] = {
    {"how", FIELD_TEXT, offsetof(struct dump_book, how)},
    {"untrusted", FIELD_NUMBER, offsetof(struct dump_book, untrusted_reads)},
};

static const struct field MISSING_FIELDS[] = {
    {"what", FIELD_TEXT, offsetof(struct dump_missing, what)},
    {"why", FIELD_TEXT, offsetof(struct dump_missing, why)},
};

static const struct field COUNTER_FIELDS[] = {
    {"", FIELD_NUMBER, offsetof(struct dump_counter, value)},
};

static const struct field FINDING_FIELDS[] = {
    {"id", FIELD_TEXT, offsetof(struct dump_finding, id)},
    {"bytes", FIELD_NUMBER, offsetof(struct dump_finding, bytes)},
    {"text", FIELD_TEXT, offsetof(struct dump_finding, text)},
    {"advice", FIELD_TEXT, offsetof(struct dump_finding, advice)},
};

static const struct field EVENTS_FILE_FIELDS[] = {
    {"path", FIELD_TEXT, offsetof(struct dump_events_file, path)},
    {"start_unix_ns", FIELD_NUMBER, offsetof(struct dump_events_file, start_unix_ns)},
};

static const struct field EVIDENCE_TEXT_FIELDS[] = {{"", FIELD_TEXT, offsetof(struct dump_evidence, text)}};
static const struct field EVIDENCE_NUMBER_FIELDS[] = {{"", FIELD_NUMBER, offsetof(struct dump_evidence, number)}};

static bool read_environment(struct fields_context context, const json_t *document,
                             struct dump_environment *environment)
{
    const json_t *object = fields_find_object(&context, document, "environment");
    context.where = "environment";
    return object != NULL && fingerprint_read(&context, object, environment);
}

/* A row of rss.classes for `name`: the one that stands in the table, or a new one behind those of the table. */
static struct dump_class *class_row(const struct fields_context *context, struct dump_rss *rss, const char *name)
{
    for (uint32_t i = 0; i < CLASS_COUNT; i++) {
        if (strcmp(rss->classes[i].name, name) == 0)
            return &rss->classes[i];
    }
    size_t name_bytes = strlen(name);
    if (rss->classes_count == CLASS_COUNT + DUMP_NEW_CLASSES_MAX || name_bytes > DUMP_CLASS_NAME_BYTES_MAX) {
        fields_refuse(context, "", "has classes that no gopagewatch writes");
        return NULL;
    }
    struct dump_class *row = &rss->classes[rss->classes_count++];
    return fields_copy_text(context, name, name_bytes, &row->name) ? row : NULL;
}

/* Adds all five numbers; false when one of them overflows. */
static bool add_sizes(struct dump_sizes *sum, const struct dump_sizes *sizes)
{
    bool wraps = false;
    wraps |= __builtin_add_overflow(sum->mapped_bytes, sizes->mapped_bytes, &sum->mapped_bytes);
    wraps |= __builtin_add_overflow(sum->resident_bytes, sizes->resident_bytes, &sum->resident_bytes);
    wraps |= __builtin_add_overflow(sum->swapped_bytes, sizes->swapped_bytes, &sum->swapped_bytes);
    wraps |= __builtin_add_overflow(sum->huge_bytes, sizes->huge_bytes, &sum->huge_bytes);
    wraps |= __builtin_add_overflow(sum->lazyfree_bytes, sizes->lazyfree_bytes, &sum->lazyfree_bytes);
    return !wraps;
}

static bool read_class(struct fields_context context, struct dump_rss *rss, const char *name, const json_t *object)
{
    char where[FIELD_PATH_BYTES_MAX];
    struct dump_class *row = class_row(&context, rss, name);
    if (row == NULL)
        return false;
    snprintf(where, sizeof where, "%s.%s", context.where, row->name);
    context.where = where;
    if (!fields_read(&context, object, SIZES_FIELDS, FIELDS_COUNT(SIZES_FIELDS), &row->sizes))
        return false;
    return add_sizes(&rss->sum, &row->sizes) || fields_refuse(&context, "", "makes the sum too large for 64 bits");
}

static bool read_classes(struct fields_context context, const json_t *document, struct dump_rss *rss)
{
    static const struct dump_class KNOWN[CLASS_COUNT] = {
#define X(id, class_name, class_meaning) [CLASS_##id] = {.name = (class_name), .meaning = (class_meaning)},
        GPW_MEMORY_CLASSES(X)
#undef X
    };
    const json_t *classes = fields_find_object(&context, document, "rss.classes");
    if (classes == NULL)
        return false;
    rss->classes = fields_take_array(&context, CLASS_COUNT + DUMP_NEW_CLASSES_MAX, sizeof *rss->classes);
    if (rss->classes == NULL)
        return false;
    memcpy(rss->classes, KNOWN, sizeof KNOWN);
    rss->classes_count = CLASS_COUNT;

    const char *name;
    json_t *object;
    context.where = "rss.classes";
    json_object_foreach((json_t *)classes, name, object)
    {
        if (!read_class(context, rss, name, object))
            return false;
    }
    rss->explained_bytes = rss->sum.resident_bytes - rss->classes[CLASS_OTHER].sizes.resident_bytes;
    return true;
}

static bool read_missing(struct fields_context context, struct dump *dump, const char *book, const json_t *list)
{
    char where[FIELD_PATH_BYTES_MAX];
    size_t index;
    json_t *object;
    context.where = where;
    json_array_foreach(list, index, object)
    {
        struct dump_missing *missing = &dump->missing[dump->missing_count++];
        missing->book = book;
        snprintf(where, sizeof where, "books.%.60s.missing[%zu]", book, index);
        if (!fields_read(&context, object, MISSING_FIELDS, FIELDS_COUNT(MISSING_FIELDS), missing))
            return false;
    }
    return true;
}

static bool read_counters(struct fields_context context, struct dump *dump, const char *book, const json_t *counters)
{
    char where[FIELD_PATH_BYTES_MAX];
    const char *name;
    json_t *value;
    context.where = where;
    json_object_foreach((json_t *)counters, name, value)
    {
        struct dump_counter *counter = &dump->counters[dump->counters_count++];
        counter->book = book;
        snprintf(where, sizeof where, "books.%.60s.counters.%.60s", book, name);
        if (!fields_copy_text(&context, name, strlen(name), &counter->name) ||
            !fields_read(&context, value, COUNTER_FIELDS, FIELDS_COUNT(COUNTER_FIELDS), counter))
            return false;
    }
    return true;
}

static bool read_book(struct fields_context context, struct dump *dump, const char *name, const json_t *object)
{
    char where[FIELD_PATH_BYTES_MAX];
    struct dump_book *book = &dump->books[dump->books_count++];
    snprintf(where, sizeof where, "books.%.60s", name);
    context.where = where;
    return fields_copy_text(&context, name, strlen(name), &book->name) &&
           fields_read(&context, object, BOOK_FIELDS, FIELDS_COUNT(BOOK_FIELDS), book) &&
           read_missing(context, dump, book->name, json_object_get(object, "missing")) &&
           read_counters(context, dump, book->name, json_object_get(object, "counters"));
}

/* How many missing things and counters all books have; each book is seen to have both. */
static bool count_in_books(struct fields_context context, const json_t *books, size_t *missing, size_t *counters)
{
    char where[FIELD_PATH_BYTES_MAX];
    const char *name;
    json_t *book;
    context.where = where;
    json_object_foreach((json_t *)books, name, book)
    {
        snprintf(where, sizeof where, "books.%.60s", name);
        const json_t *missing_list = fields_find_list(&context, book, "missing");
        const json_t *counter_object = missing_list == NULL ? NULL : fields_find_object(&context, book, "counters");
        if (counter_object == NULL)
            return false;
        *missing += json_array_size(missing_list);
        *counters += json_object_size(counter_object);
    }
    return true;
}

static bool read_books(const struct fields_context *context, const json_t *document, struct dump *dump)
{
    size_t missing_count = 0, counters_count = 0;
    const json_t *books = fields_find_object(context, document, "books");
    if (books == NULL || !count_in_books(*context, books, &missing_count, &counters_count))
        return false;
    dump->books = fields_take_array(context, json_object_size(books), sizeof *dump->books);
    dump->missing = fields_take_array(context, missing_count, sizeof *dump->missing);
    dump->counters = fields_take_array(context, counters_count, sizeof *dump->counters);
    if (dump->books == NULL || dump->missing == NULL || dump->counters == NULL)
        return false;

    const char *name;
    json_t *object;
    json_object_foreach((json_t *)books, name, object)
    {
        if (!read_book(*context, dump, name, object))
            return false;
    }
    return true;
}

static bool read_evidence(struct fields_context context, const json_t *object, struct dump_finding *finding)
{
    char where[FIELD_PATH_BYTES_MAX];
    const char *name;
    json_t *value;
    const json_t *all = fields_find_object(&context, object, "evidence");
    if (all == NULL)
        return false;
    finding->evidence = fields_take_array(&context, json_object_size(all), sizeof *finding->evidence);
    if (finding->evidence == NULL)
        return false;
    snprintf(where, sizeof where, "%.60s.evidence", context.where);
    context.where = where;
    json_object_foreach((json_t *)all, name, value)
    {
        struct dump_evidence *evidence = &finding->evidence[finding->evidence_count++];
        const struct field *field = json_is_string(value) ? EVIDENCE_TEXT_FIELDS : EVIDENCE_NUMBER_FIELDS;
        if (!fields_copy_text(&context, name, strlen(name), &evidence->name) ||
            !fields_read(&context, value, field, 1, evidence))
            return false;
    }
    return true;
}

static bool read_findings(struct fields_context context, const json_t *document, struct dump *dump)
{
    const json_t *list = fields_find_list(&context, document, "findings");
    if (list == NULL)
        return false;
    dump->findings = fields_take_array(&context, json_array_size(list), sizeof *dump->findings);
    if (dump->findings == NULL)
        return false;

    char where[FIELD_PATH_BYTES_MAX];
    size_t index;
    json_t *object;
    context.where = where;
    json_array_foreach(list, index, object)
    {
        struct dump_finding *finding = &dump->findings[index];
        snprintf(where, sizeof where, "findings[%zu]", index);
        if (!fields_read(&context, object, FINDING_FIELDS, FIELDS_COUNT(FINDING_FIELDS), finding) ||
            !read_evidence(context, object, finding))
            return false;
    }
    dump->findings_count = json_array_size(list);
    return true;
}

/* Null where calls are not streamed, and not there in dumps of older versions. */
static bool read_events_file(struct fields_context context, const json_t *document, struct dump_events_file *file)
{
    const json_t *object = json_object_get(document, "events_file");
    if (object == NULL || json_is_null(object))
        return true;
    object = fields_find_object(&context, document, "events_file");
    context.where = "events_file";
    return object != NULL && fields_read(&context, object, EVENTS_FILE_FIELDS, FIELDS_COUNT(EVENTS_FILE_FIELDS), file);
}

bool dump_decode(struct dump *dump, const json_t *document, struct error *error)
{
    *dump = (struct dump){0};
    if (bump_open(&dump->bump, ARENA_BYTES) != 0)
        return error_set(error, "there is no memory to read it into; free some or raise the limit (ulimit -v)");
    struct fields_context context = {.bump = &dump->bump, .error = error, .where = ""};
    return fields_read(&context, document, DUMP_FIELDS, FIELDS_COUNT(DUMP_FIELDS), dump) &&
           read_environment(context, document, &dump->environment) && read_classes(context, document, &dump->rss) &&
           read_books(&context, document, dump) && dump_decode_go(context, document, dump) &&
           dump_decode_go_maps(context, document, dump) && dump_decode_maps(context, document, dump) &&
           dump_decode_callsites(context, document, dump) && dump_decode_threads(context, document, dump) &&
           dump_decode_modules(context, document, dump) && read_events_file(context, document, &dump->events_file) &&
           read_findings(context, document, dump);
}
