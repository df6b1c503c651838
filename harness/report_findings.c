/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands out: for each finding how much it is, what it is, what to do about it, and the numbers behind it.
 *
 *   45.4 MiB  free-resident, 58.5 % of the RSS
 *             The Go heap keeps this memory free and resident, for its next growth.
 *             -> debug.FreeOSMemory returns it at once. ...
 *             (mapped 45.9 MiB, huge 0 B)
 */
#include <inttypes.h>
#include <string.h>

#include "harness/human.h"
#include "harness/report_parts.h"
#include "harness/wrap.h"

enum { INDENT_COLUMNS = 10 };

static struct wrap begin_paragraph(const struct report *report)
{
    return (struct wrap){.out = report->out,
                         .width_columns = report_sentence_columns(report->options),
                         .indent_columns = INDENT_COLUMNS};
}

static void write_paragraph(const struct report *report, const char *text)
{
    struct wrap wrap = begin_paragraph(report);
    wrap_text(&wrap, text);
    wrap_end(&wrap);
}

static void write_advice(const struct report *report, const char *advice)
{
    struct wrap wrap = begin_paragraph(report);
    wrap.hang_columns = report->options->style.has_unicode ? 2 : 3;
    wrap_text(&wrap, report->options->style.has_unicode ? "→" : "->");
    wrap_text(&wrap, advice);
    wrap_end(&wrap);
}

static void write_evidence(const struct report *report, const struct dump_finding *finding)
{
    static const char BYTES[] = "_bytes";
    struct wrap wrap = begin_paragraph(report);
    wrap.hang_columns = 1;
    if (finding->evidence_count == 0)
        return;
    style_begin(report->out, &report->options->style, STYLE_FAINT, STYLE_TEXT);
    for (uint64_t i = 0; i < finding->evidence_count; i++) {
        const struct dump_evidence *evidence = &finding->evidence[i];
        size_t name_bytes = strlen(evidence->name), suffix_bytes = sizeof BYTES - 1;
        bool is_size = name_bytes > suffix_bytes && strcmp(evidence->name + name_bytes - suffix_bytes, BYTES) == 0;
        wrap_format(&wrap, "%s%.*s", i == 0 ? "(" : "", (int)(is_size ? name_bytes - suffix_bytes : name_bytes),
                    evidence->name);
        if (evidence->text != NULL)
            wrap_text(&wrap, evidence->text);
        else if (is_size)
            wrap_text(&wrap, human_bytes(evidence->number).text);
        else
            wrap_format(&wrap, "%" PRIu64, evidence->number);
        wrap_glue(&wrap, i + 1 == finding->evidence_count ? ")" : ",");
    }
    wrap_end(&wrap);
    style_end(report->out, &report->options->style, STYLE_FAINT);
}

/* Memory in use that nobody touched is no part of the RSS, whatever its size. */
static bool is_of_rss(const struct dump_finding *finding)
{
    return strcmp(finding->id, "untouched") != 0;
}

static void write_finding(const struct report *report, const struct dump_finding *finding)
{
    FILE *out = report->out;
    const struct style *style = &report->options->style;
    fprintf(out, "%-*s", INDENT_COLUMNS, human_bytes(finding->bytes).text);
    style_begin(out, style, STYLE_HEADING, STYLE_TEXT);
    fputs(finding->id, out);
    style_end(out, style, STYLE_HEADING);
    if (is_of_rss(finding))
        fprintf(out, ", %s %% of the RSS\n", human_percent(finding->bytes, report->dump->rss.total_bytes).text);
    else
        fputs(", no part of the RSS\n", out);
    write_paragraph(report, finding->text);
    write_advice(report, finding->advice);
    write_evidence(report, finding);
}

void report_write_findings(const struct report *report)
{
    const struct dump *dump = report->dump;
    /* All of them set what is resident against something. */
    if (dump->findings_count == 0 || !report->knows_residency)
        return;
    style_write_heading(report->out, &report->options->style, "what stands out");
    for (uint64_t i = 0; i < dump->findings_count; i++)
        write_finding(report, &dump->findings[i]);
}
