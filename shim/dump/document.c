/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing the dump document, key by key in the order of docs/dump-format.md.
 */
#include "dump/document.h"

#include <stddef.h>

#include "dump/document_go.h"
#include "dump/document_sites.h"
#include "gopagewatch/advice.h"
#include "gopagewatch/class.h"
#include "gopagewatch/schema.h"

static const char *const CLASS_NAMES[] = {
#define X(id, name, meaning) [CLASS_##id] = (name),
    GPW_MEMORY_CLASSES(X)
#undef X
};

void book_miss(struct book *book, const char *what, const char *why)
{
    if (book->missing_count < BOOK_MISSING_MAX)
        book->missing[book->missing_count++] = (struct missing){what, why};
}

void book_count(struct book *book, const char *name, uint64_t value)
{
    if (book->counters_count < BOOK_COUNTERS_MAX)
        book->counters[book->counters_count++] = (struct counter){name, value};
}

static char *put_digits(char *at, uint64_t value, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + digits;
}

/* "2026-11-23T03:26:01.123456789Z"; the calendar by the days-from-civil algorithm, for libc's takes a lock. */
static void write_utc(struct json *json, uint64_t unix_ns)
{
    uint64_t seconds = unix_ns / 1000000000u;
    uint64_t days = seconds / 86400 + 719468, rest = seconds % 86400;
    uint64_t era = days / 146097, day_of_era = days % 146097;
    uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t shifted_month = (5 * day_of_year + 2) / 153;
    uint64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    uint64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    uint64_t year = year_of_era + era * 400 + (month <= 2);

    char text[40];
    char *at = put_digits(text, year, 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    *at++ = 'T';
    at = put_digits(at, rest / 3600, 2);
    *at++ = ':';
    at = put_digits(at, rest / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, rest % 60, 2);
    *at++ = '.';
    at = put_digits(at, unix_ns % 1000000000u, 9);
    *at++ = 'Z';
    *at = '\0';
    json_put_string(json, "utc", text);
}

static void write_head(struct json *json, const struct document *document)
{
    json_put_string(json, "schema", GPW_DUMP_SCHEMA);
    json_put_string(json, "reason", document->reason);
    json_put_number(json, "seq", document->seq);
    json_put_string(json, "label", document->label);
    json_put_string(json, "phase", document->phase);
    json_newline(json);
    json_begin_object(json, "time");
    write_utc(json, document->unix_ns);
    json_put_number(json, "unix_ns", document->unix_ns);
    json_put_number(json, "since_start_ns", document->since_start_ns);
    json_put_number(json, "took_ns", document->took_ns);
    json_end_object(json);
    json_newline(json);
    json_begin_object(json, "process");
    json_put_number(json, "pid", document->pid);
    json_put_string(json, "comm", document->comm);
    json_put_string(json, "exe", document->exe);
    json_put_string(json, "host", document->host);
    json_put_number(json, "threads", document->snapshot->resident.status.threads);
    json_end_object(json);
    json_newline(json);
}

static const char *null_if_empty(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static void write_environment(struct json *json, const struct document *document)
{
    const struct environment *environment = &document->environment;
    json_begin_object(json, "environment");
    json_put_string_or_null(json, "kernel", null_if_empty(environment->system.release));
    json_put_string(json, "machine", environment->system.machine);
    json_put_number_or_null(json, "cpus", environment->cpus != 0, environment->cpus);
    json_put_number(json, "os_page_bytes", environment->os_page_bytes);
    json_begin_object(json, "thp");
    json_put_string_or_null(json, "enabled", null_if_empty(environment->thp_enabled));
    json_put_string_or_null(json, "defrag", null_if_empty(environment->thp_defrag));
    json_put_number_or_null(json, "khugepaged_max_ptes_none", environment->knows_max_ptes_none,
                            environment->khugepaged_max_ptes_none);
    json_end_object(json);
    json_put_number_or_null(json, "cgroup_memory_max_bytes", environment->has_cgroup_limit,
                            environment->cgroup_limit_bytes);
    json_put_string_or_null(json, "gogc", document->gogc);
    json_put_string_or_null(json, "gomemlimit", document->gomemlimit);
    json_put_string_or_null(json, "godebug", document->godebug);
    json_put_string_or_null(json, "gomaxprocs", document->gomaxprocs);
    json_put_string(json, "go_version", document->go_version);
    json_put_hex_bytes(json, "build_id", document->build_id, document->build_id_bytes);
    json_end_object(json);
    json_newline(json);
}

static void write_book(struct json *json, const struct book *book)
{
    json_begin_object(json, book->name);
    json_put_string(json, "how", book->how);
    json_begin_array(json, "missing");
    for (uint32_t i = 0; i < book->missing_count; i++) {
        json_begin_object(json, NULL);
        json_put_string(json, "what", book->missing[i].what);
        json_put_string(json, "why", book->missing[i].why);
        json_end_object(json);
    }
    json_end_array(json);
    json_put_number(json, "untrusted", book->untrusted);
    json_begin_object(json, "counters");
    for (uint32_t i = 0; i < book->counters_count; i++)
        json_put_number(json, book->counters[i].name, book->counters[i].value);
    json_end_object(json);
    json_end_object(json);
    json_newline(json);
}

static void write_sizes(struct json *json, const struct class_sizes *sizes)
{
    json_put_number(json, "mapped", sizes->mapped_bytes);
    json_put_number(json, "resident", sizes->resident_bytes);
    json_put_number(json, "swapped", sizes->swapped_bytes);
    json_put_number(json, "huge", sizes->huge_bytes);
    json_put_number(json, "lazyfree", sizes->lazyfree_bytes);
}

static void write_rss(struct json *json, const struct snapshot *snapshot)
{
    const struct proc_status *status = &snapshot->resident.status;
    json_begin_object(json, "rss");
    json_put_number(json, "total", status->resident_bytes);
    json_put_number_or_null(json, "peak", status->peak_bytes != PROC_STATUS_NOT_KNOWN, status->peak_bytes);
    json_put_number_or_null(json, "swapped", status->swapped_bytes != PROC_STATUS_NOT_KNOWN, status->swapped_bytes);
    json_put_number(json, "explained", snapshot_explained_bytes(snapshot));
    json_begin_object(json, "classes");
    for (int i = 0; i < CLASS_COUNT; i++) {
        json_newline(json);
        json_begin_object(json, CLASS_NAMES[i]);
        write_sizes(json, &snapshot->classes[i]);
        json_end_object(json);
    }
    json_end_object(json);
    json_end_object(json);
    json_newline(json);
}

/* The thread whose stack the call ran on. */
static uint32_t tid_of_stack(const struct document *document, uintptr_t stack_pointer)
{
    const struct known_range *range = known_ranges_from(&document->snapshot->known, stack_pointer);
    bool is_stack = range != NULL && range->start <= stack_pointer && range->memory_class == CLASS_THREAD_STACKS;
    return is_stack ? range->tid : 0;
}

static void write_event(struct json *json, const struct document *document, const struct event *event)
{
    /* Another core's clock may lag behind. */
    uint64_t ticks = event->ticks > document->start_ticks ? event->ticks - document->start_ticks : 0;
    json_newline(json);
    json_begin_array(json, NULL);
    json_put_number(json, NULL, (uint64_t)((double)ticks * document->ns_per_tick));
    json_put_number(json, NULL, tid_of_stack(document, event->stack_pointer));
    json_put_string(json, NULL, document_caller(event->by));
    json_put_string(json, NULL, document_call_operation(event->operation));
    json_put_address(json, NULL, event->start);
    json_put_number(json, NULL, event->bytes);
    json_put_string(json, NULL, document_call_detail(event->operation, event->detail));
    json_put_number(json, NULL, (uint64_t)event->error);
    json_put_number(json, NULL, event->site);
    json_end_array(json);
}

static void write_events(struct json *json, const struct document *document)
{
    static const char *const COLUMNS[] = {"since_start_ns", "tid",    "by",    "op",  "start",
                                          "bytes",          "detail", "errno", "site"};
    const struct events *events = document->events;
    uint64_t recorded = events == NULL ? 0 : atomic_load(&events->next);
    json_begin_object(json, "events");
    json_put_number(json, "capacity", events == NULL ? 0 : EVENTS_CAPACITY);
    json_put_number(json, "recorded", recorded);
    json_put_number(json, "lost", events == NULL ? 0 : atomic_load(&events->lost));
    json_begin_array(json, "columns");
    for (unsigned i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++)
        json_put_string(json, NULL, COLUMNS[i]);
    json_end_array(json);
    json_begin_array(json, "rows");
    for (uint64_t number = recorded > EVENTS_CAPACITY ? recorded - EVENTS_CAPACITY : 0; number < recorded; number++) {
        struct event event;
        if (event_read(events, number, &event))
            write_event(json, document, &event);
    }
    json_end_array(json);
    json_end_object(json);
    json_newline(json);
}

static void write_events_file(struct json *json, const struct document *document)
{
    const struct gpw_events_header *file = document->events_file;
    if (file == NULL) {
        json_put_null(json, "events_file");
    } else {
        json_begin_object(json, "events_file");
        json_put_string(json, "path", document->events_path);
        json_put_number(json, "start_unix_ns", file->start_unix_ns);
        json_put_number(json, "written", file->written);
        json_put_number(json, "dropped", file->dropped);
        json_put_number(json, "lost", file->lost);
        json_end_object(json);
    }
    json_newline(json);
}

static void write_maps(struct json *json, const struct snapshot *snapshot)
{
    json_begin_array(json, "maps");
    for (const struct map_row *row = snapshot->rows; row != NULL; row = row->next) {
        const struct vma *vma = row->vma;
        const char permissions[] = {vma->is_readable ? 'r' : '-', vma->is_writable ? 'w' : '-',
                                    vma->is_executable ? 'x' : '-', vma->is_shared ? 's' : 'p', '\0'};
        json_newline(json);
        json_begin_object(json, NULL);
        json_put_address(json, "start", vma->start);
        json_put_address(json, "end", vma->end);
        json_put_string(json, "perms", permissions);
        json_put_string(json, "name", vma->name);
        json_put_string(json, "class", CLASS_NAMES[row->memory_class]);
        write_sizes(json, &row->sizes);
        json_end_object(json);
    }
    json_end_array(json);
    json_newline(json);
}

static void write_threads(struct json *json, const struct thread_stacks *stacks)
{
    json_begin_array(json, "threads");
    for (uint64_t i = 0; i < stacks->count; i++) {
        const struct thread_stack *row = &stacks->rows[i];
        json_newline(json);
        json_begin_object(json, NULL);
        json_put_number_or_null(json, "tid", row->tid != 0, row->tid);
        json_put_string_or_null(json, "name", null_if_empty(row->name));
        json_put_address(json, "start", row->start);
        json_put_address(json, "end", row->end);
        json_put_number(json, "resident", row->resident_bytes);
        if (row->stack_pointer != 0) {
            json_put_address(json, "stack_pointer", row->stack_pointer);
            json_put_number(json, "resident_below", row->below_bytes);
        } else {
            json_put_null(json, "stack_pointer");
            json_put_null(json, "resident_below");
        }
        json_end_object(json);
    }
    json_end_array(json);
    json_newline(json);
}

static void write_modules(struct json *json, const struct module_rows *modules)
{
    json_begin_array(json, "modules");
    for (uint64_t i = 0; i < modules->count; i++) {
        const struct module_row *row = &modules->rows[i];
        json_newline(json);
        json_begin_object(json, NULL);
        json_put_string(json, "path", row->path);
        json_put_address(json, "start", row->start);
        json_put_address(json, "end", row->end);
        json_put_address(json, "bias", row->bias);
        if (row->build_id_bytes != 0)
            json_put_hex_bytes(json, "build_id", row->build_id, row->build_id_bytes);
        else
            json_put_null(json, "build_id");
        json_end_object(json);
    }
    json_end_array(json);
    json_newline(json);
}

static void write_findings(struct json *json, const struct findings *findings)
{
    json_begin_array(json, "findings");
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->findings[i];
        json_newline(json);
        json_begin_object(json, NULL);
        json_put_string(json, "id", finding->id);
        json_put_number(json, "bytes", finding->bytes);
        json_put_string(json, "text", finding->text);
        json_put_string(json, "advice", finding->advice);
        json_begin_object(json, "evidence");
        for (uint32_t k = 0; k < finding->evidence_count; k++) {
            const struct evidence *evidence = &finding->evidence[k];
            if (evidence->text != NULL)
                json_put_string(json, evidence->name, evidence->text);
            else
                json_put_number(json, evidence->name, evidence->number);
        }
        json_end_object(json);
        json_end_object(json);
    }
    json_end_array(json);
}

void document_write(struct json *json, const struct document *document, struct bump *bump)
{
    json_begin_object(json, NULL);
    write_head(json, document);
    write_environment(json, document);
    json_begin_object(json, "books");
    for (int i = 0; i < BOOK_COUNT; i++)
        write_book(json, &document->books[i]);
    json_end_object(json);
    json_newline(json);
    write_rss(json, document->snapshot);
    document_write_go(json, document, bump);
    write_events(json, document);
    write_events_file(json, document);
    document_write_sites(json, document);
    write_maps(json, document->snapshot);
    write_threads(json, &document->snapshot->stacks);
    write_modules(json, &document->snapshot->modules);
    write_findings(json, &document->findings);
    json_end_object(json);
    json_newline(json);
}
