/* SPDX-License-Identifier: Apache-2.0
 *
 * A time line as ui.perfetto.dev and chrome://tracing read it: the JSON trace event format.
 *
 * Each dump is a point of the counters: the RSS and what is resident of each class. The calls that the newest dump
 * remembers, or those of a file of them, are instants of the threads that made them; of a file, which has them from the
 * start, the bytes of each kind are counters too. Times are microseconds since the process started, as the shim
 * counts them; a dump that does not know that time (it was made from outside) is put in by the clock.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/call_totals.h"
#include "harness/export_format.h"
#include "harness/json_text.h"
#include "harness/stack_trace.h"

/* Events of threads that are gone have the thread 0, which is the idle thread in a trace. No thread has this number:
 * it is Linux's PID_MAX_LIMIT. */
enum { TID_GONE = 1 << 22, NAME_BYTES = 256, STACK_CALLS_MAX = 64 };

struct timeline {
    FILE *out;
    const struct dump **dumps; /* of one process, from the oldest to the newest */
    uint32_t dumps_count;
    uint64_t start_unix_ns; /* of the time line */
    uint64_t pid;
    bool has_event; /* a comma comes before the next */
    struct symbols symbols;
    struct stack_trace *trace;
    struct events_file *events; /* or NULL: those of the newest dump */
    struct call_totals totals;
    char **stacks; /* as JSON, for each call site of the newest dump; NULL: not needed so far */
};

static bool refuse_memory(struct error *error)
{
    return error_set(error, "there is no memory for its time line; free some or raise the limit (ulimit -v)");
}

static const struct dump *newest_of(const struct timeline *line)
{
    return line->dumps[line->dumps_count - 1];
}

/* ---- which dumps ---- */

static int compare_times(const void *left, const void *right)
{
    const struct dump *a = *(const struct dump *const *)left, *b = *(const struct dump *const *)right;
    if (a->time.unix_ns != b->time.unix_ns)
        return a->time.unix_ns < b->time.unix_ns ? -1 : 1;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same_process(const struct dump_process *a, const struct dump_process *b)
{
    return a->pid == b->pid && is_same_text(a->comm, b->comm) && is_same_text(a->host, b->host);
}

static const char *name_of(const struct dump_process *process)
{
    return process->comm != NULL ? process->comm : "a process";
}

/* A later dump of the same process is later by its own clock too. */
static bool check_dumps(const struct timeline *line, struct error *error)
{
    for (uint32_t i = 1; i < line->dumps_count; i++) {
        const struct dump *before = line->dumps[i - 1], *dump = line->dumps[i];
        if (!is_same_process(&before->process, &dump->process))
            return error_set(error,
                             "the dumps are of %s (pid %" PRIu64 ") and %s (pid %" PRIu64
                             "); a time line is of one process: give its dumps only",
                             name_of(&before->process), before->process.pid, name_of(&dump->process),
                             dump->process.pid);
        if (before->time.since_start_ns != DUMP_NOT_KNOWN && dump->time.since_start_ns < before->time.since_start_ns)
            return error_set(error,
                             "the dumps are of two runs of %s (pid %" PRIu64
                             "); a time line is of one process: give its dumps only",
                             name_of(&dump->process), dump->process.pid);
    }
    return true;
}

static uint64_t subtract(uint64_t from, uint64_t number)
{
    return from > number ? from - number : 0;
}

static uint64_t find_start(const struct timeline *line)
{
    for (uint32_t i = line->dumps_count; i > 0; i--) {
        const struct dump_time *time = &line->dumps[i - 1]->time;
        if (time->since_start_ns != DUMP_NOT_KNOWN)
            return subtract(time->unix_ns, time->since_start_ns);
    }
    return line->dumps[0]->time.unix_ns;
}

static uint64_t time_of(const struct timeline *line, const struct dump *dump)
{
    return dump->time.since_start_ns != DUMP_NOT_KNOWN ? dump->time.since_start_ns
                                                       : subtract(dump->time.unix_ns, line->start_unix_ns);
}

/* ---- what all events have ---- */

/* The caller writes what is left of it, and the bracket at its end. */
static void begin_event(struct timeline *line, const char *kind, const char *name, uint64_t time_ns, uint64_t tid)
{
    enum { NS_PER_US = 1000 };
    fprintf(line->out, "%s{\"ph\":\"%s\",\"ts\":%" PRIu64 ".%03u,\"pid\":%" PRIu64 ",\"tid\":%" PRIu64 ",\"name\":",
            line->has_event ? ",\n" : "", kind, time_ns / NS_PER_US, (unsigned)(time_ns % NS_PER_US), line->pid, tid);
    json_text_write(line->out, name);
    line->has_event = true;
}

static void put_text(struct timeline *line, const char *before, const char *text)
{
    fputs(before, line->out);
    json_text_write(line->out, text);
}

static void put_name(struct timeline *line, const char *kind, uint64_t tid, const char *name)
{
    begin_event(line, "M", kind, 0, tid);
    put_text(line, ",\"args\":{\"name\":", name);
    fputs("}}", line->out);
}

/* What was too long may have been cut inside of a character. */
static void trim(char name[NAME_BYTES], int whole_bytes)
{
    enum { CONTINUATION_MASK = 0xc0, CONTINUATION = 0x80, LEAD = 0xc0 };
    size_t bytes = NAME_BYTES - 1;
    if (whole_bytes < NAME_BYTES)
        return;
    while (bytes > 0 && ((unsigned char)name[bytes - 1] & CONTINUATION_MASK) == CONTINUATION)
        bytes--;
    if (bytes > 0 && (unsigned char)name[bytes - 1] >= LEAD)
        bytes--;
    name[bytes] = '\0';
}

/* ---- dumps ---- */

static void put_counter(struct timeline *line, const char *category, const char *name, uint64_t time_ns, uint64_t bytes)
{
    begin_event(line, "C", name, time_ns, line->pid);
    fprintf(line->out, ",\"cat\":\"%s\",\"args\":{\"bytes\":%" PRIu64 "}}", category, bytes);
}

static void put_dump(struct timeline *line, const struct dump *dump)
{
    char name[NAME_BYTES];
    uint64_t time_ns = time_of(line, dump);
    int whole_bytes = snprintf(name, sizeof name, "dump %" PRIu64 " (%s)", dump->seq, dump->reason);
    trim(name, whole_bytes);
    begin_event(line, "i", name, time_ns, line->pid);
    put_text(line, ",\"s\":\"p\",\"cat\":\"dump\",\"args\":{\"utc\":", dump->time.utc);
    put_text(line, ",\"label\":", dump->label);
    put_text(line, ",\"phase\":", dump->phase);
    fputs("}}", line->out);
    put_counter(line, "resident", "rss.total", time_ns, dump->rss.total_bytes);
    for (uint32_t i = 0; i < dump->rss.classes_count; i++)
        put_counter(line, "resident", dump->rss.classes[i].name, time_ns, dump->rss.classes[i].sizes.resident_bytes);
}

/* ---- calls ---- */

static int compare_site_ids(const void *left, const void *right)
{
    uint64_t id = *(const uint64_t *)left, other = ((const struct dump_callsite *)right)->id;
    return (id > other) - (id < other);
}

static const struct dump_callsite *site_of(const struct dump *dump, uint64_t id)
{
    if (id == 0 || dump->callsites_count == 0)
        return NULL;
    return bsearch(&id, dump->callsites, dump->callsites_count, sizeof *dump->callsites, compare_site_ids);
}

/* "madvise DONTNEED: background scavenger", "mmap: span table", "mmap rw-". */
static void name_event(const struct dump_event *event, const struct dump_callsite *site, char name[NAME_BYTES])
{
    const char *purpose = site != NULL ? site->purpose : NULL;
    bool has_detail = event->detail[0] != '\0' && (purpose == NULL || strcmp(event->operation, "madvise") == 0);
    int whole_bytes = snprintf(name, NAME_BYTES, "%s%s%s%s%s%s", event->operation, has_detail ? " " : "",
                               has_detail ? event->detail : "", purpose != NULL ? ": " : "",
                               purpose != NULL ? purpose : "", event->error_number != 0 ? " failed" : "");
    trim(name, whole_bytes);
}

/* A list of names, innermost first. */
static void write_stack(struct timeline *line, FILE *out, const struct dump_callsite *site)
{
    uint32_t calls = 0;
    stack_trace_make_site(line->trace, &line->symbols, site);
    fputc('[', out);
    for (uint32_t i = 0; i < line->trace->places_count; i++) {
        const struct trace_place *place = &line->trace->places[i];
        for (uint32_t k = 0; k < place->count && calls < STACK_CALLS_MAX; k++, calls++) {
            char buffer[TRACE_NAME_BYTES];
            if (calls > 0)
                fputc(',', out);
            json_text_write(out, stack_trace_name(place, &line->trace->frames[place->first + k], buffer));
        }
    }
    fputc(']', out);
}

/* The same stack is written for thousands of calls: made once. NULL: no memory. */
static const char *stack_of(struct timeline *line, const struct dump_callsite *site)
{
    char **kept = &line->stacks[site - newest_of(line)->callsites];
    size_t bytes;
    if (*kept != NULL)
        return *kept;
    FILE *memory = open_memstream(kept, &bytes);
    if (memory == NULL)
        return NULL;
    write_stack(line, memory, site);
    if (fclose(memory) == 0)
        return *kept;
    free(*kept);
    return *kept = NULL;
}

static uint64_t tid_of(const struct dump_event *event)
{
    return event->tid != 0 ? event->tid : TID_GONE;
}

static bool put_event(struct timeline *line, const struct dump_event *event)
{
    char name[NAME_BYTES];
    const struct dump_callsite *site = site_of(newest_of(line), event->site);
    const char *stack = site == NULL ? "[]" : stack_of(line, site);
    if (stack == NULL)
        return false;
    name_event(event, site, name);
    if (line->totals.tell != NULL && event->error_number == 0)
        call_totals_add(&line->totals, event->by, name, event->since_start_ns, event->bytes);
    begin_event(line, "i", name, event->since_start_ns, tid_of(event));
    put_text(line, ",\"s\":\"t\",\"cat\":", event->by);
    fprintf(line->out, ",\"args\":{\"start\":\"0x%" PRIx64 "\",\"bytes\":%" PRIu64, event->start, event->bytes);
    put_text(line, ",\"detail\":", event->detail);
    fprintf(line->out, ",\"errno\":%" PRIu64 ",\"site\":%" PRIu64 ",\"stack\":%s}}", event->error_number, event->site,
            stack);
    return true;
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Of all that calls can be of: the events', or with a file, whose calls are not known yet, the dump's. */
static uint64_t *list_tids(const struct timeline *line, uint64_t *count)
{
    const struct dump *dump = newest_of(line);
    *count = line->events != NULL ? dump->threads_count + 2 : dump->events_count + 1;
    uint64_t *tids = calloc(*count, sizeof *tids);
    if (tids == NULL)
        return NULL;
    tids[0] = line->pid;
    if (line->events != NULL) {
        tids[1] = TID_GONE;
        for (uint64_t i = 0; i < dump->threads_count; i++)
            tids[i + 2] = dump->threads[i].tid == DUMP_NOT_KNOWN ? TID_GONE : dump->threads[i].tid;
    } else {
        for (uint64_t i = 0; i < dump->events_count; i++)
            tids[i + 1] = tid_of(&dump->events[i]);
    }
    qsort(tids, *count, sizeof *tids, compare_numbers);
    return tids;
}

static bool put_thread_names(struct timeline *line)
{
    uint64_t count, *tids = list_tids(line, &count);
    if (tids == NULL)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        char name[NAME_BYTES];
        if (i > 0 && tids[i] == tids[i - 1])
            continue;
        snprintf(name, sizeof name, "thread %" PRIu64, tids[i]);
        put_name(line, "thread_name", tids[i],
                 tids[i] == line->pid  ? "main thread"
                 : tids[i] == TID_GONE ? "threads that are gone"
                                       : name);
    }
    free(tids);
    return true;
}

static void put_total(void *context, const char *name, uint64_t time_ns, uint64_t bytes)
{
    put_counter(context, "calls", name, time_ns, bytes);
}

/* False: no memory, or the file of events failed, which then is in `error`. */
static bool put_events(struct timeline *line, struct error *error)
{
    const struct dump *newest = newest_of(line);
    struct dump_event event;
    bool is_written = true;
    if (line->events == NULL) {
        for (uint64_t i = 0; i < newest->events_count && is_written; i++)
            is_written = put_event(line, &newest->events[i]);
        return is_written;
    }
    line->totals.tell = put_total;
    line->totals.context = line;
    while (is_written && events_file_next(line->events, &event, error))
        is_written = put_event(line, &event);
    call_totals_end(&line->totals);
    return is_written && !line->events->has_failed;
}

/* ---- all of it ---- */

static void put_more(struct timeline *line, const char *key, const char *text)
{
    if (text == NULL)
        return;
    fprintf(line->out, ",\"%s\":", key);
    json_text_write(line->out, text);
}

static bool write_events(struct timeline *line, struct error *error)
{
    const struct dump *newest = newest_of(line);
    fputs("{\"displayTimeUnit\":\"ms\",\"otherData\":{\"tool\":\"gopagewatch\"", line->out);
    put_more(line, "host", newest->process.host);
    put_more(line, "exe", newest->process.exe);
    put_more(line, "go_version", newest->environment.go_version);
    put_more(line, "build_id", newest->environment.build_id);
    if (line->events != NULL)
        fprintf(line->out, ",\"events_dropped\":%" PRIu64 ",\"events_lost\":%" PRIu64, line->events->header.dropped,
                line->events->header.lost);
    fputs("},\"traceEvents\":[\n", line->out);
    put_name(line, "process_name", line->pid, name_of(&newest->process));
    bool is_written = put_thread_names(line);
    for (uint32_t i = 0; i < line->dumps_count; i++)
        put_dump(line, line->dumps[i]);
    is_written = is_written && put_events(line, error);
    fputs("\n]}\n", line->out);
    return is_written;
}

static bool write_with_symbols(struct timeline *line, const struct symbols_options *options, struct error *error)
{
    const struct dump *newest = newest_of(line);
    if (!symbols_open(&line->symbols, newest->modules, newest->modules_count, options, error))
        return false;
    line->trace = malloc(sizeof *line->trace);
    line->stacks = calloc(newest->callsites_count + 1, sizeof *line->stacks);
    bool is_written = line->trace != NULL && line->stacks != NULL && write_events(line, error);
    for (uint64_t i = 0; line->stacks != NULL && i < newest->callsites_count; i++)
        free(line->stacks[i]);
    free(line->stacks);
    free(line->trace);
    symbols_close(&line->symbols);
    bool has_file_failed = line->events != NULL && line->events->has_failed;
    return is_written || (!has_file_failed && refuse_memory(error));
}

bool export_perfetto_write(FILE *out, const struct export_input *input, struct error *error)
{
    struct timeline line = {.out = out, .dumps_count = input->dumps_count, .events = input->events};
    line.dumps = calloc(input->dumps_count, sizeof *line.dumps);
    if (line.dumps == NULL)
        return refuse_memory(error);
    for (uint32_t i = 0; i < input->dumps_count; i++)
        line.dumps[i] = &input->dumps[i];
    qsort(line.dumps, line.dumps_count, sizeof *line.dumps, compare_times);
    line.pid = newest_of(&line)->process.pid;
    line.start_unix_ns = find_start(&line);
    bool is_written = check_dumps(&line, error) && write_with_symbols(&line, &input->symbols, error);
    free(line.dumps);
    return is_written;
}
