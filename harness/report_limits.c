/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that limits what a report says (what is not known, what was lost, what was not trusted), and what the
 * kernel was advised. Lines that would say "nothing" are left out.
 */
#include <inttypes.h>
#include <string.h>

#include "harness/dump.h"
#include "harness/human.h"
#include "harness/report_parts.h"
#include "harness/wrap.h"

/* Counters that tell of a loss, and what was lost. */
static const struct {
    const char *book, *counter, *what;
} LOSSES[] = {
    {"shim", "events_lost", "events that could not be recorded"},
    {"shim", "advice_unrecorded", "madvise calls that were counted nowhere"},
    {"shim", "ranges_untracked", "ranges that could not be tracked"},
    {"shim", "stacks_missed", "calls whose stack is not known"},
    {"shim", "c_walks_skipped", "calls whose frames of C are not known"},
    {"shim", "signals_coalesced", "dumps asked for while one was being made"},
    {"shim", "dumps_failed", "dumps that could not be written"},
};

static void write_missing(const struct report *report, const struct dump_missing *missing)
{
    enum { HANG_COLUMNS = 2 };
    struct wrap wrap = {
        .out = report->out, .width_columns = report_sentence_columns(report->options), .hang_columns = HANG_COLUMNS};
    wrap_text(&wrap, "not known:");
    wrap_text(&wrap, missing->what);
    wrap_glue(&wrap, ",");
    wrap_text(&wrap, "because");
    wrap_text(&wrap, missing->why);
    wrap_end(&wrap);
}

void report_write_limits(const struct report *report)
{
    const struct dump *dump = report->dump;
    fputc('\n', report->out);
    for (uint64_t i = 0; i < dump->missing_count; i++)
        write_missing(report, &dump->missing[i]);
    for (size_t i = 0; i < sizeof LOSSES / sizeof LOSSES[0]; i++) {
        uint64_t lost = dump_counter_value(dump, LOSSES[i].book, LOSSES[i].counter);
        if (lost > 0)
            fprintf(report->out, "lost: %s: %" PRIu64 "\n", LOSSES[i].what, lost);
    }
    for (uint64_t i = 0; i < dump->books_count; i++) {
        if (dump->books[i].untrusted_reads > 0)
            fprintf(report->out, "not trusted: reads of %s: %" PRIu64 "\n", dump->books[i].name,
                    dump->books[i].untrusted_reads);
    }
}

/* What an advice does, in words; any other is "advised". */
static const struct {
    const char *advice, *deed;
} DEEDS[] = {
    {"DONTNEED", "given back"},
    {"FREE", "given back"},
    {"REMOVE", "given back"},
    {"HUGEPAGE", "huge pages asked for"},
    {"NOHUGEPAGE", "huge pages ruled out"},
    {"COLLAPSE", "collapsed into huge pages"},
};

static void write_advice(FILE *out, const struct dump_advice *advice)
{
    const char *deed = "advised";
    for (size_t i = 0; i < sizeof DEEDS / sizeof DEEDS[0]; i++) {
        if (strcmp(advice->advice, DEEDS[i].advice) == 0)
            deed = DEEDS[i].deed;
    }
    const char *by = strcmp(advice->by, "go") == 0 ? "Go" : strcmp(advice->by, "c") == 0 ? "C" : advice->by;
    fprintf(out, "%s by %s: %s in %" PRIu64 " call%s (%s", deed, by, human_bytes(advice->bytes).text, advice->calls,
            advice->calls == 1 ? "" : "s", advice->advice);
    if (advice->errors > 0)
        fprintf(out, ", %" PRIu64 " failed", advice->errors);
    fputs(")\n", out);
}

/* That Go gave nothing back is news, when its calls are seen. */
void report_write_advices(const struct report *report)
{
    const struct dump *dump = report->dump;
    bool has_go = false;
    for (uint64_t i = 0; i < dump->advices_count; i++) {
        write_advice(report->out, &dump->advices[i]);
        has_go |= strcmp(dump->advices[i].by, "go") == 0;
    }
    const struct dump_book *shim = dump_find_book(dump, "shim");
    if (!has_go && shim != NULL && strcmp(shim->how, "patched") == 0)
        fputs("given back by Go: nothing so far (no madvise call)\n", report->out);
}
