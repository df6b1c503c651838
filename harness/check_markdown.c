/* SPDX-License-Identifier: Apache-2.0
 *
 * GitHub's Markdown, which GitLab reads too: for step summaries and comments, the verdict first.
 *
 * Nothing in a text is markup. What is a plain name is a code span; of the rest the characters that mean something are
 * escaped, and an '@' is kept from calling anybody.
 */
#include <inttypes.h>
#include <string.h>

#include "harness/check_escape.h"
#include "harness/check_format.h"
#include "harness/check_words.h"
#include "memory/units.h"

static const struct check_escape ESCAPES[] = {
    {'\\', "\\\\"}, {'`', "\\`"},   {'*', "\\*"}, {'_', "\\_"},      {'[', "\\["},
    {']', "\\]"},   {'|', "\\|"},   {'~', "\\~"}, {'#', "\\#"},      {'<', "&lt;"},
    {'>', "&gt;"},  {'&', "&amp;"}, {'$', "\\$"}, {'@', "@&#8203;"}, {0},
};

static void write_text(FILE *out, const char *text)
{
    check_write_escaped(out, text, ESCAPES);
}

static void write_name(FILE *out, const char *name)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
    bool is_plain = name[0] != '\0' && name[strspn(name, PLAIN)] == '\0';
    if (is_plain)
        fprintf(out, "`%s`", name);
    else
        write_text(out, name);
}

/* "61.2 MiB ±0.5 %": the interval, short enough for a column. */
static void write_side(FILE *out, const struct check_side *side, enum metric_unit unit)
{
    struct check_words spread = check_spread(side);
    fputs(check_median(side, unit).text, out);
    if (spread.text[0] != '\0')
        fprintf(out, " ±%s", spread.text);
}

static void write_row(FILE *out, const struct check_row *row)
{
    const char *strong = row->verdict == CHECK_PASS ? "" : "**";
    fputs("| ", out);
    write_name(out, row->metric);
    fprintf(out, " | %s | ", check_kind_name(row->kind));
    write_side(out, &row->baseline, row->unit);
    fputs(" | ", out);
    write_side(out, &row->current, row->unit);
    fprintf(out, " | %s | ", check_change_both(row).text);
    write_text(out, check_p(row).text);
    fprintf(out, " | %s%s%s | ", strong, check_verdict_name(row->verdict), strong);
    write_text(out, row->bound);
    fputs(" |\n", out);
}

static void write_rows(FILE *out, const struct check_result *result)
{
    if (result->rows_count == 0)
        return;
    fputs("\n"
          "| metric | rule | baseline | current | change | p | verdict | allowed |\n"
          "| :--- | :--- | ---: | ---: | ---: | ---: | :--- | :--- |\n",
          out);
    for (uint64_t i = 0; i < result->rows_count; i++) {
        if (check_is_shown(result, i))
            write_row(out, &result->rows[i]);
    }
    struct check_sentence not_shown = check_not_shown(result);
    if (not_shown.text[0] != '\0')
        fprintf(out, "\nand %s\n", not_shown.text);
}

/* `count` rows from this one on failed for one reason. */
static void write_reason(FILE *out, const struct check_row *row, uint64_t count)
{
    fputs("- ", out);
    for (uint64_t i = 0; i < min_u64(count, CHECK_NAMES_MAX); i++) {
        fputs(i > 0 ? ", " : "", out);
        write_name(out, row[i].metric);
    }
    if (count > CHECK_NAMES_MAX)
        fprintf(out, " and %" PRIu64 " more", count - CHECK_NAMES_MAX);
    fprintf(out, " (%s): ", check_kind_name(row->kind));
    write_text(out, row->why);
    fputc('\n', out);
}

static void write_reasons(FILE *out, const struct check_result *result)
{
    uint64_t row = 0;
    while (row < result->rows_count && result->rows[row].verdict != CHECK_PASS && check_is_shown(result, row)) {
        uint64_t count = check_same_reason(result, row);
        fputs(row == 0 ? "\n" : "", out);
        write_reason(out, &result->rows[row], count);
        row += count;
    }
}

static void write_growths(FILE *out, const struct check_result *result, const char *head,
                          const struct check_growth *growths, uint64_t count)
{
    if (count == 0)
        return;
    fprintf(out,
            "\n"
            "| %s | %s | %s | change |\n"
            "| :--- | ---: | ---: | ---: |\n",
            head, check_growth_from(result), check_growth_to(result));
    for (uint64_t i = 0; i < count; i++) {
        fputs("| ", out);
        write_name(out, growths[i].name);
        fprintf(out, " | %s | %s | %s |\n", check_value(growths[i].baseline_bytes, METRIC_BYTES).text,
                check_value(growths[i].current_bytes, METRIC_BYTES).text, check_growth_both(&growths[i]).text);
    }
}

static void write_notes(FILE *out, const struct check_result *result)
{
    for (uint64_t i = 0; i < result->notes_count; i++) {
        fputs("\n> note: ", out);
        write_text(out, result->notes[i]);
        fputc('\n', out);
    }
}

bool check_markdown_write(FILE *out, const struct check_result *result, const struct check_view *view,
                          struct error *error)
{
    (void)view;
    (void)error;
    const char *verdict = check_verdict_name(result->verdict);
    struct check_sentence headline = check_headline(result);
    fprintf(out, "### gopagewatch: %s\n\n", verdict);
    write_text(out, headline.text + strlen(verdict) + strlen(": "));
    fputs("\n\n", out);
    write_text(out, check_subject(result).text);
    fputc('\n', out);
    write_notes(out, result);
    write_rows(out, result);
    write_reasons(out, result);
    write_growths(out, result, "what grew, by class", result->classes, result->classes_count);
    write_growths(out, result, "what grew, by size class (bytes of a slot)", result->size_classes,
                  result->size_classes_count);
    return true;
}
