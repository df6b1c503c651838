/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a report: who and when, how large and whose, what the collector is up to, whether the hooks are in place.
 *
 *   mapdemo (pid 4711) on web-3, go1.26.10, dump 3 (signal) at 2026-11-23T03:26:01Z
 *   RSS    80.6 MiB, peak 80.8 MiB, explained 100.00 %; 1.8 times the Go objects in it (45.6 MiB)
 *   of it  Go 52.4 MiB (65.0 %), C 26.2 MiB (32.5 %), files 1.58 MiB (2.0 %), gopagewatch 372 KiB (0.5 %)
 *   heap   live 46.2 MiB, goal 92.5 MiB, GOGC 100, no memory limit, 6 GC cycles
 *   hooks  in place (runtime.madvise patched)
 */
#include <inttypes.h>
#include <string.h>

#include "harness/human.h"
#include "harness/report_parts.h"

enum { LABEL_COLUMNS = 7 };

void report_write_who(struct wrap *wrap, const struct dump *dump)
{
    enum { SECONDS_BYTES = 19 }; /* of an ISO time */
    const struct dump_process *process = &dump->process;
    const char *utc = dump->time.utc;
    wrap_text(wrap, process->comm != NULL ? process->comm : "process");
    wrap_format(wrap, "(pid %" PRIu64 ")", process->pid);
    if (process->host != NULL && process->host[0] != '\0') {
        wrap_text(wrap, "on");
        wrap_text(wrap, process->host);
    }
    wrap_glue(wrap, ",");
    wrap_text(wrap, dump->environment.go_version != NULL ? dump->environment.go_version : "Go version not known");
    wrap_glue(wrap, ",");
    wrap_format(wrap, "dump %" PRIu64 " (%s", dump->seq, dump->reason);
    if (dump->label[0] != '\0') {
        wrap_glue(wrap, ",");
        wrap_format(wrap, "\"%s\"", dump->label);
    }
    wrap_glue(wrap, ")");
    if (dump->phase[0] != '\0')
        wrap_format(wrap, "in phase \"%s\"", dump->phase);
    wrap_text(wrap, "at");
    if (strlen(utc) > SECONDS_BYTES && utc[SECONDS_BYTES] == '.')
        wrap_format(wrap, "%.*sZ", SECONDS_BYTES, utc);
    else
        wrap_text(wrap, utc);
    wrap_end(wrap);
}

/* A line that begins with its label and hangs below it. */
static struct wrap begin_labelled(const struct report *report, const char *label)
{
    struct wrap wrap = {
        .out = report->out, .width_columns = report_sentence_columns(report->options), .hang_columns = LABEL_COLUMNS};
    wrap_text(&wrap, label);
    wrap.column += (uint32_t)fprintf(report->out, "%*s", LABEL_COLUMNS - 1 - (int)strlen(label), "");
    return wrap;
}

/* "1.8", "24": how many times `part` is in `whole`. */
static struct human times(uint64_t whole, uint64_t part)
{
    struct human human;
    uint64_t tenths = (uint64_t)(((unsigned __int128)whole * 10 + part / 2) / part);
    if (tenths < 100)
        snprintf(human.text, sizeof human.text, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
    else
        snprintf(human.text, sizeof human.text, "%" PRIu64, whole / part);
    return human;
}

static void write_rss(const struct report *report)
{
    const struct dump_rss *rss = &report->dump->rss;
    uint64_t objects_bytes = rss->classes[CLASS_GO_OBJECTS].sizes.resident_bytes;
    uint64_t limit_bytes = report->dump->environment.cgroup_memory_max_bytes;
    struct wrap wrap = begin_labelled(report, "RSS");
    bool has_objects = objects_bytes > 0 && rss->total_bytes > 0;
    wrap_text(&wrap, human_bytes(rss->total_bytes).text);
    if (strcmp(report->dump->reason, "core") == 0)
        wrap_text(&wrap, "in the core (unchanged pages of mapped files are not in it)");
    wrap_glue(&wrap, ",");
    if (rss->peak_bytes != DUMP_NOT_KNOWN)
        wrap_format(&wrap, "peak %s,", human_bytes(rss->peak_bytes).text);
    if (rss->swapped_bytes != DUMP_NOT_KNOWN && rss->swapped_bytes > 0)
        wrap_format(&wrap, "swapped %s,", human_bytes(rss->swapped_bytes).text);
    if (limit_bytes != DUMP_NOT_KNOWN)
        wrap_format(&wrap, "cgroup limit %s,", human_bytes(limit_bytes).text);
    wrap_format(&wrap, "explained %s %%%s", human_percent_floor(rss->explained_bytes, rss->total_bytes).text,
                has_objects ? ";" : "");
    if (has_objects)
        wrap_format(&wrap, "%s times the Go objects in it (%s)", times(rss->total_bytes, objects_bytes).text,
                    human_bytes(objects_bytes).text);
    wrap_end(&wrap);
}

static void write_rss_not_known(const struct report *report)
{
    const char *why = report_why_missing(report->dump, "pagemap");
    struct wrap wrap = begin_labelled(report, "RSS");
    wrap_text(&wrap, "residency not known:");
    wrap_text(&wrap, why != NULL ? why : "the dump does not say why");
    wrap_end(&wrap);
}

/* Whose memory it is: classes by the beginning of their names. */
static const struct {
    const char *owner;
    const char *prefixes[3];
} OWNERS[] = {
    {"Go", {"go."}},
    {"C", {"c.", "thread.stacks"}},
    {"files", {"libs", "files"}},
    {"gopagewatch", {"shim"}},
};

static bool has_prefix(const char *name, const char *const prefixes[3])
{
    for (int i = 0; i < 3 && prefixes[i] != NULL; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}

/* No sum is larger than that of all classes, which was checked. */
static void write_owners(const struct report *report)
{
    const struct dump_rss *rss = &report->dump->rss;
    uint64_t rest_bytes = rss->sum.resident_bytes;
    struct wrap wrap = begin_labelled(report, "of it");
    for (size_t i = 0; i < sizeof OWNERS / sizeof OWNERS[0]; i++) {
        uint64_t bytes = 0;
        for (uint32_t row = 0; row < rss->classes_count; row++) {
            if (has_prefix(rss->classes[row].name, OWNERS[i].prefixes))
                bytes += rss->classes[row].sizes.resident_bytes;
        }
        rest_bytes -= bytes;
        if (bytes > 0)
            wrap_format(&wrap, "%s %s (%s %%)%s", OWNERS[i].owner, human_bytes(bytes).text,
                        human_percent(bytes, rss->total_bytes).text, rest_bytes > 0 ? "," : "");
    }
    if (rest_bytes > 0)
        wrap_format(&wrap, "other %s (%s %%)", human_bytes(rest_bytes).text,
                    human_percent(rest_bytes, rss->total_bytes).text);
    wrap_end(&wrap);
}

static void write_collector(struct wrap *wrap, const struct dump_heap *heap)
{
    if (heap->live_bytes != DUMP_NOT_KNOWN)
        wrap_format(wrap, "live %s,", human_bytes(heap->live_bytes).text);
    if (heap->goal_bytes != DUMP_NOT_KNOWN)
        wrap_format(wrap, "goal %s,", human_bytes(heap->goal_bytes).text);
    if (heap->gc_percent == -1)
        wrap_text(wrap, "GOGC off,");
    else if (heap->gc_percent != DUMP_SIGNED_NOT_KNOWN)
        wrap_format(wrap, "GOGC %" PRId64 ",", heap->gc_percent);
    if (heap->limit_bytes != DUMP_NOT_KNOWN)
        wrap_format(wrap, "memory limit %s,", human_bytes(heap->limit_bytes).text);
    else
        wrap_text(wrap, "no memory limit,");
    if (heap->gc_cycles != DUMP_NOT_KNOWN)
        wrap_format(wrap, "%" PRIu64 " GC cycle%s,", heap->gc_cycles, heap->gc_cycles == 1 ? "" : "s");
    if (heap->gc_phase != NULL && strcmp(heap->gc_phase, "off") != 0)
        wrap_format(wrap, "collecting now (%s),", heap->gc_phase);
    if (heap->spans_unswept > 0)
        wrap_format(wrap, "%" PRIu64 " spans not swept yet (the dead count as objects there),", heap->spans_unswept);
    wrap_format(wrap, "%" PRIu64 " objects", heap->objects);
}

static void write_heaps(const struct report *report)
{
    const struct dump *dump = report->dump;
    for (uint64_t i = 0; i < dump->heaps_count; i++) {
        const struct dump_heap *heap = &dump->heaps[i];
        struct wrap wrap = begin_labelled(report, "heap");
        if (dump->heaps_count > 1)
            wrap_format(&wrap, "of %s:", heap->module);
        if (heap->layout != NULL) {
            write_collector(&wrap, heap);
        } else {
            wrap_text(&wrap, "not walked:");
            wrap_text(&wrap, heap->why != NULL ? heap->why : "the dump does not say why");
        }
        wrap_end(&wrap);
    }
}

static const struct {
    const char *how, *words;
} HOOKS[] = {
    {"patched", "in place (runtime.madvise patched)"},
    {"interposed", "only for calls through libc"},
    {"none", "none"},
};

static void write_hooks(const struct report *report)
{
    const struct dump_book *shim = dump_find_book(report->dump, "shim");
    if (shim == NULL)
        return;
    const char *words = shim->how, *why = report_why_missing(report->dump, "shim");
    for (size_t i = 0; i < sizeof HOOKS / sizeof HOOKS[0]; i++) {
        if (strcmp(shim->how, HOOKS[i].how) == 0)
            words = HOOKS[i].words;
    }
    struct wrap wrap = begin_labelled(report, "hooks");
    wrap_text(&wrap, words);
    /* Where they are in place it is something else that is missing, which stands among the limits. */
    if (why != NULL && strcmp(shim->how, "patched") != 0) {
        wrap_glue(&wrap, ":");
        wrap_text(&wrap, why);
    }
    wrap_end(&wrap);
}

void report_write_headline(const struct report *report)
{
    struct wrap wrap = {
        .out = report->out, .width_columns = report->options->width_columns, .hang_columns = LABEL_COLUMNS};
    report_write_who(&wrap, report->dump);
    if (report->knows_residency) {
        write_rss(report);
        write_owners(report);
    } else {
        write_rss_not_known(report);
    }
    write_heaps(report);
    write_hooks(report);
}
