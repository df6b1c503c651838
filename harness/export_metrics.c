/* SPDX-License-Identifier: Apache-2.0
 *
 * A family is written for all dumps before the next one begins: the formats want its series together.
 */
#include "harness/export_metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What a family's series are made from. */
enum source {
    OF_DUMP,    /* one for each dump: a number at `offset` in struct dump */
    OF_CLASS,   /* in struct dump_class */
    OF_FINDING, /* in struct dump_finding */
    OF_HEAP,    /* in struct dump_heap */
    OF_TIME,    /* seconds */
    OF_INFO,    /* 1, with labels */
};

struct series_family {
    struct metric_family family;
    enum source source;
    size_t offset;
};

#define IN_DUMP(member) OF_DUMP, offsetof(struct dump, member)
#define IN_CLASS(member) OF_CLASS, offsetof(struct dump_class, sizes.member)
#define IN_HEAP(member) OF_HEAP, offsetof(struct dump_heap, member)

/* A number that is not known has no series. */
static const struct series_family FAMILIES[] = {
    {{"gopagewatch_mapped_bytes", METRIC_GAUGE, "bytes", "Accessible address space of a class of memory."},
     IN_CLASS(mapped_bytes)},
    {{"gopagewatch_resident_bytes", METRIC_GAUGE, "bytes",
      "Resident memory of a class. Classes are disjoint: their sum is the RSS."},
     IN_CLASS(resident_bytes)},
    {{"gopagewatch_swapped_bytes", METRIC_GAUGE, "bytes", "Swapped out memory of a class."}, IN_CLASS(swapped_bytes)},
    {{"gopagewatch_huge_bytes", METRIC_GAUGE, "bytes", "Memory of a class that is mapped by huge pages."},
     IN_CLASS(huge_bytes)},
    {{"gopagewatch_lazyfree_bytes", METRIC_GAUGE, "bytes",
      "Memory of a class that is resident until the kernel wants it (MADV_FREE)."},
     IN_CLASS(lazyfree_bytes)},
    {{"gopagewatch_rss_bytes", METRIC_GAUGE, "bytes", "Resident memory as the kernel counts it (VmRSS)."},
     IN_DUMP(rss.total_bytes)},
    {{"gopagewatch_rss_peak_bytes", METRIC_GAUGE, "bytes", "Largest resident memory so far (VmHWM)."},
     IN_DUMP(rss.peak_bytes)},
    {{"gopagewatch_explained_bytes", METRIC_GAUGE, "bytes", "Resident memory of all classes but other."},
     IN_DUMP(rss.explained_bytes)},
    {{"gopagewatch_finding_bytes", METRIC_GAUGE, "bytes",
      "What stands out in the dump, by the name of the finding; it may overlap with others."},
     OF_FINDING,
     offsetof(struct dump_finding, bytes)},
    {{"gopagewatch_gc_cycles", METRIC_COUNTER, NULL, "Completed mark phases since the start, for each Go runtime."},
     IN_HEAP(gc_cycles)},
    {{"gopagewatch_gc_goal_bytes", METRIC_GAUGE, "bytes", "Heap size at which the next GC cycle shall be done."},
     IN_HEAP(goal_bytes)},
    {{"gopagewatch_gc_live_bytes", METRIC_GAUGE, "bytes", "Live since the last mark, with what was allocated since."},
     IN_HEAP(live_bytes)},
    {{"gopagewatch_gc_memory_limit_bytes", METRIC_GAUGE, "bytes", "GOMEMLIMIT; no series where there is none."},
     IN_HEAP(limit_bytes)},
    {{"gopagewatch_dump_timestamp_seconds", METRIC_GAUGE, "seconds", "When the dump was made, in Unix time."},
     OF_TIME,
     offsetof(struct dump, time.unix_ns)},
    {{"gopagewatch_dump", METRIC_INFO, NULL, "Where the dump comes from."}, OF_INFO, 0},
};

struct writer {
    FILE *out;
    void (*introduce)(FILE *out, const struct metric_family *family);
    const struct series_family *family;
    bool is_introduced;
};

const char *metric_suffix(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_COUNTER:
        return "_total";
    case METRIC_INFO:
        return "_info";
    case METRIC_GAUGE:
        return "";
    }
    return "";
}

/* ---- a series ---- */

/* Both formats escape these three in a label's value, and nothing else. */
static void write_label(FILE *out, char before, const char *name, const char *value)
{
    fprintf(out, "%c%s=\"", before, name);
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '"' || *value == '\\')
            fprintf(out, "\\%c", *value);
        else
            fputc(*value, out);
    }
    fputc('"', out);
}

/* Everything up to the labels that only some families have; the caller closes the brace. */
static void begin_series(struct writer *writer, const struct dump *dump)
{
    const struct metric_family *family = &writer->family->family;
    if (!writer->is_introduced)
        writer->introduce(writer->out, family);
    writer->is_introduced = true;
    fprintf(writer->out, "%s%s", family->name, metric_suffix(family->kind));
    write_label(writer->out, '{', "comm", dump->process.comm != NULL ? dump->process.comm : "");
    fprintf(writer->out, ",pid=\"%" PRIu64 "\"", dump->process.pid);
}

static void write_number(struct writer *writer, const struct dump *dump, const char *label, const char *label_value,
                         const void *row)
{
    uint64_t number = *(const uint64_t *)((const char *)row + writer->family->offset);
    if (number == DUMP_NOT_KNOWN)
        return;
    begin_series(writer, dump);
    if (label != NULL)
        write_label(writer->out, ',', label, label_value);
    fprintf(writer->out, "} %" PRIu64 "\n", number);
}

/* Control characters of different names became one and the same; a series must not be there twice. */
static bool is_class_repeated(const struct dump_rss *rss, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(rss->classes[i].name, rss->classes[index].name) == 0)
            return true;
    }
    return false;
}

static bool is_finding_repeated(const struct dump *dump, uint64_t index)
{
    for (uint64_t i = 0; i < index; i++) {
        if (strcmp(dump->findings[i].id, dump->findings[index].id) == 0)
            return true;
    }
    return false;
}

static void write_time(struct writer *writer, const struct dump *dump)
{
    enum { NS_PER_SECOND = 1000000000 };
    begin_series(writer, dump);
    fprintf(writer->out, "} %" PRIu64 ".%09" PRIu64 "\n", dump->time.unix_ns / NS_PER_SECOND,
            dump->time.unix_ns % NS_PER_SECOND);
}

static void write_info(struct writer *writer, const struct dump *dump)
{
    const struct {
        const char *name, *value;
    } labels[] = {
        {"host", dump->process.host},
        {"go_version", dump->environment.go_version},
        {"reason", dump->reason},
        {"label", dump->label},
    };
    begin_series(writer, dump);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        write_label(writer->out, ',', labels[i].name, labels[i].value != NULL ? labels[i].value : "");
    fputs("} 1\n", writer->out);
}

/* ---- a family ---- */

static void write_dump(struct writer *writer, const struct dump *dump)
{
    /* More than a process has, and no more than is quick to compare with each other. */
    enum { FINDINGS_MAX = 100 };
    char number[24];
    switch (writer->family->source) {
    case OF_DUMP:
        write_number(writer, dump, NULL, "", dump);
        break;
    case OF_CLASS:
        for (uint32_t i = 0; i < dump->rss.classes_count; i++) {
            if (!is_class_repeated(&dump->rss, i))
                write_number(writer, dump, "class", dump->rss.classes[i].name, &dump->rss.classes[i]);
        }
        break;
    case OF_FINDING:
        for (uint64_t i = 0; i < dump->findings_count && i < FINDINGS_MAX; i++) {
            if (!is_finding_repeated(dump, i))
                write_number(writer, dump, "finding", dump->findings[i].id, &dump->findings[i]);
        }
        break;
    case OF_HEAP:
        for (uint64_t i = 0; i < dump->heaps_count; i++) {
            snprintf(number, sizeof number, "%" PRIu64, i);
            write_number(writer, dump, "runtime", number, &dump->heaps[i]);
        }
        break;
    case OF_TIME:
        write_time(writer, dump);
        break;
    case OF_INFO:
        write_info(writer, dump);
        break;
    }
}

static int compare_processes(const void *left, const void *right)
{
    const struct dump_process *a = &(*(const struct dump *const *)left)->process;
    const struct dump_process *b = &(*(const struct dump *const *)right)->process;
    int by_name = strcmp(a->comm != NULL ? a->comm : "", b->comm != NULL ? b->comm : "");
    return by_name != 0 ? by_name : (a->pid > b->pid) - (a->pid < b->pid);
}

static bool refuse_two_of_one_process(const struct dump *dumps, uint32_t dumps_count, struct error *error)
{
    const struct dump **sorted = calloc(dumps_count + 1, sizeof *sorted);
    if (sorted == NULL)
        return error_set(error, "there is no memory for so many dumps; give fewer");
    for (uint32_t i = 0; i < dumps_count; i++)
        sorted[i] = &dumps[i];
    qsort(sorted, dumps_count, sizeof *sorted, compare_processes);
    bool is_fine = true;
    for (uint32_t i = 1; i < dumps_count && is_fine; i++) {
        if (compare_processes(&sorted[i - 1], &sorted[i]) == 0)
            is_fine = error_set(
                error,
                "two dumps are of %s (pid %" PRIu64 "), so their series would be the same; give the later one only",
                sorted[i]->process.comm != NULL ? sorted[i]->process.comm : "the same process", sorted[i]->process.pid);
    }
    free(sorted);
    return is_fine;
}

bool export_metrics_write(FILE *out, const struct dump *dumps, uint32_t dumps_count,
                          void (*introduce)(FILE *out, const struct metric_family *family), struct error *error)
{
    if (!refuse_two_of_one_process(dumps, dumps_count, error))
        return false;
    for (size_t i = 0; i < sizeof FAMILIES / sizeof FAMILIES[0]; i++) {
        struct writer writer = {.out = out, .introduce = introduce, .family = &FAMILIES[i]};
        for (uint32_t k = 0; k < dumps_count; k++)
            write_dump(&writer, &dumps[k]);
    }
    return true;
}
