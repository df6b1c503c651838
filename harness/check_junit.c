/* SPDX-License-Identifier: Apache-2.0
 *
 * JUnit's XML, as CI systems read it: a testcase for each row.
 *
 * A row that is inconclusive is an <error>, not <skipped>: the test could not be carried out. Jenkins and GitLab count
 * errors as failures and show them; they call a build with skipped tests good, and a gate that cannot tell must not
 * look as if it had let something pass.
 *
 * GitLab shows the content of <failure> and <error> and drops their attributes, Jenkins shows both: so the content
 * stands for itself.
 */
#include <inttypes.h>

#include "harness/check_escape.h"
#include "harness/check_format.h"
#include "harness/check_words.h"

static const struct check_escape ESCAPES[] = {{'<', "&lt;"},   {'>', "&gt;"},    {'&', "&amp;"},
                                              {'"', "&quot;"}, {'\'', "&apos;"}, {0}};

static void write_text(FILE *out, const char *text)
{
    check_write_escaped(out, text, ESCAPES);
}

static void write_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    write_text(out, value);
    fputc('"', out);
}

static void write_property(FILE *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    fprintf(out, "      <property name=\"%s\"", name);
    write_attribute(out, "value", value);
    fputs("/>\n", out);
}

static void write_counts(FILE *out, const struct check_result *result)
{
    fprintf(out, " tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" errors=\"%" PRIu64 "\" skipped=\"0\" time=\"0\"",
            result->rows_count, result->verdict_rows[CHECK_REGRESSION], result->verdict_rows[CHECK_INCONCLUSIVE]);
}

static void write_outcome(FILE *out, const struct check_result *result, const struct check_row *row)
{
    const char *element = row->verdict == CHECK_REGRESSION ? "failure" : "error";
    fprintf(out, "      <%s", element);
    write_attribute(out, "type", check_verdict_name(row->verdict));
    write_attribute(out, "message", row->why);
    fputc('>', out);
    write_text(out, row->why);
    fputc('\n', out);
    write_text(out, check_facts(row).text);
    fputc('\n', out);
    struct check_sentence grew = check_grew_most(result);
    if (row->verdict == CHECK_REGRESSION && grew.text[0] != '\0') {
        fputs("grew most: ", out);
        write_text(out, grew.text);
        fputc('\n', out);
    }
    fprintf(out, "</%s>\n", element);
}

static void write_testcase(FILE *out, const struct check_result *result, const struct check_row *row)
{
    fprintf(out, "    <testcase classname=\"gopagewatch.%s\"", check_kind_name(row->kind));
    write_attribute(out, "name", row->metric);
    fputs(" time=\"0\">\n", out);
    if (row->verdict == CHECK_PASS) {
        fputs("      <system-out>", out);
        write_text(out, check_facts(row).text);
        fputs("</system-out>\n", out);
    } else {
        write_outcome(out, result, row);
    }
    fputs("    </testcase>\n", out);
}

bool check_junit_write(FILE *out, const struct check_result *result, const struct check_view *view, struct error *error)
{
    (void)view;
    (void)error;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<testsuites name=\"gopagewatch\"",
          out);
    write_counts(out, result);
    fputs(">\n"
          "  <testsuite name=\"gopagewatch\"",
          out);
    write_counts(out, result);
    fputs(">\n"
          "    <properties>\n",
          out);
    write_property(out, "program", result->program);
    write_property(out, "go_version", result->go_version);
    write_property(out, "machine", result->machine);
    for (uint64_t i = 0; i < result->notes_count; i++)
        write_property(out, "note", result->notes[i]);
    fputs("    </properties>\n", out);
    for (uint64_t i = 0; i < result->rows_count; i++)
        write_testcase(out, result, &result->rows[i]);
    fputs("    <system-out>", out);
    write_text(out, check_headline(result).text);
    fputs("</system-out>\n"
          "  </testsuite>\n"
          "</testsuites>\n",
          out);
    return true;
}
