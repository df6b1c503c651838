/* SPDX-License-Identifier: Apache-2.0
 *
 * A block for each dump: who and when, the table of classes, how much of the RSS it explains, and then everything that
 * limits what the table says: what is not known, what was lost, what was not trusted. Last, what the kernel was
 * advised. Lines that would say "nothing" are left out.
 */
#include "harness/report.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "harness/class_table.h"
#include "harness/dump_file.h"
#include "harness/html_report.h"
#include "harness/human.h"
#include "harness/printable.h"

static const char USAGE[] =
    "usage: gopagewatch report [--html FILE] DUMP...\n"
    "\n"
    "Shows for each dump where the resident memory of the process went. With two to six dumps\n"
    "a table over all of them follows: what is resident, class by class.\n"
    "\n"
    "  --html FILE  write one page for a browser instead, with everything in it ('-': to standard\n"
    "               output): findings, classes over time, size classes, a map of every page of the heap\n"
    "  -h, --help   this page\n"
    "\n"
    "examples:\n"
    "  gopagewatch report gopagewatch.4711.1.json\n"
    "  gopagewatch report --html rss.html gopagewatch.4711.*.json\n"
    "\n"
    "exit status: 0 all dumps were shown, 2 wrong use, 4 a dump cannot be read (the others are shown)\n"
    "or the page cannot be written\n"
    "\n"
    "The classes of memory; every resident byte belongs to exactly one:\n";

static void write_who(FILE *out, const struct dump *dump)
{
    enum { SECONDS_BYTES = 19 }; /* of an ISO time */
    const struct dump_process *process = &dump->process;
    const char *utc = dump->time.utc;
    fprintf(out, "%s (pid %" PRIu64 ")", process->comm != NULL ? process->comm : "process", process->pid);
    if (process->host != NULL && process->host[0] != '\0')
        fprintf(out, " on %s", process->host);
    fprintf(out, ", %s", dump->environment.go_version != NULL ? dump->environment.go_version : "Go version not known");
    fprintf(out, ", dump %" PRIu64 " (%s", dump->seq, dump->reason);
    if (dump->label[0] != '\0')
        fprintf(out, ", \"%s\"", dump->label);
    if (strlen(utc) > SECONDS_BYTES && utc[SECONDS_BYTES] == '.')
        fprintf(out, ") at %.*sZ\n", SECONDS_BYTES, utc);
    else
        fprintf(out, ") at %s\n", utc);
}

static void write_rss(FILE *out, const struct dump_rss *rss)
{
    fprintf(out, "RSS %s", human_bytes(rss->total_bytes).text);
    if (rss->peak_bytes != DUMP_NOT_KNOWN)
        fprintf(out, ", peak %s", human_bytes(rss->peak_bytes).text);
    if (rss->swapped_bytes != DUMP_NOT_KNOWN && rss->swapped_bytes > 0)
        fprintf(out, ", swapped %s", human_bytes(rss->swapped_bytes).text);
    fputc('\n', out);
}

static void write_classes(FILE *out, const struct dump_rss *rss, uint32_t width_columns)
{
    struct table table;
    class_table_fill(&table, rss, true);
    if (table_width_columns(&table) > width_columns)
        class_table_fill(&table, rss, false);
    fputs("\nwhere the RSS went\n", out);
    table_print(&table, out);
}

static void write_explained(FILE *out, const struct dump_rss *rss)
{
    fprintf(out, "explained %s %% of %s RSS\n", human_percent_floor(rss->explained_bytes, rss->total_bytes).text,
            human_bytes(rss->total_bytes).text);
    bool is_more = rss->sum.resident_bytes > rss->total_bytes;
    uint64_t difference_bytes =
        is_more ? rss->sum.resident_bytes - rss->total_bytes : rss->total_bytes - rss->sum.resident_bytes;
    if (difference_bytes > 0)
        fprintf(out,
                "note: the total is %s %s than RSS: the kernel's counter and the pages were not read at one instant\n",
                human_bytes(difference_bytes).text, is_more ? "more" : "less");
    if (rss->stated_explained_bytes != rss->explained_bytes)
        fprintf(out, "warning: the dump says that %s are explained, its classes add up to %s\n",
                human_bytes(rss->stated_explained_bytes).text, human_bytes(rss->explained_bytes).text);
    if (rss->classes_count > CLASS_COUNT)
        fprintf(out,
                "warning: classes that this version does not know: %u, counted as explained (a newer gopagewatch tells "
                "more)\n",
                rss->classes_count - CLASS_COUNT);
}

/* Words are put on lines of at most `width_columns`, each behind `indent_columns` spaces. */
static void write_words(FILE *out, const char *text, uint32_t indent_columns, uint32_t width_columns)
{
    uint32_t column = 0;
    while (*text != '\0') {
        uint32_t word = (uint32_t)strcspn(text, " ");
        if (column != 0 && column + 1 + word > width_columns) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = (uint32_t)fprintf(out, "%*s", (int)indent_columns, "");
        else
            column += (uint32_t)fprintf(out, " ");
        column += (uint32_t)fprintf(out, "%.*s", (int)word, text);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void write_evidence(FILE *out, const struct dump_finding *finding, uint32_t indent_columns)
{
    static const char BYTES[] = "_bytes";
    if (finding->evidence_count == 0)
        return;
    fprintf(out, "%*s(", (int)indent_columns, "");
    for (uint64_t i = 0; i < finding->evidence_count; i++) {
        const struct dump_evidence *evidence = &finding->evidence[i];
        size_t name_bytes = strlen(evidence->name), suffix_bytes = sizeof BYTES - 1;
        bool is_size = name_bytes > suffix_bytes && strcmp(evidence->name + name_bytes - suffix_bytes, BYTES) == 0;
        fprintf(out, "%s%.*s ", i == 0 ? "" : ", ", (int)(is_size ? name_bytes - suffix_bytes : name_bytes),
                evidence->name);
        if (evidence->text != NULL)
            fputs(evidence->text, out);
        else if (is_size)
            fputs(human_bytes(evidence->number).text, out);
        else
            fprintf(out, "%" PRIu64, evidence->number);
    }
    fputs(")\n", out);
}

static void write_findings(FILE *out, const struct dump *dump, uint32_t width_columns)
{
    enum { INDENT_COLUMNS = 11, WIDTH_MAX_COLUMNS = 110 };
    uint32_t width = width_columns < WIDTH_MAX_COLUMNS ? width_columns : WIDTH_MAX_COLUMNS;
    if (dump->findings_count > 0)
        fputs("\nwhat stands out\n", out);
    for (uint64_t i = 0; i < dump->findings_count; i++) {
        const struct dump_finding *finding = &dump->findings[i];
        fprintf(out, "%-*s%s\n", INDENT_COLUMNS, human_bytes(finding->bytes).text, finding->id);
        write_words(out, finding->text, INDENT_COLUMNS, width);
        write_words(out, finding->advice, INDENT_COLUMNS, width);
        write_evidence(out, finding, INDENT_COLUMNS);
    }
}

/* Counters that tell of a loss, and what was lost. */
static const struct {
    const char *book, *counter, *what;
} LOSSES[] = {
    {"shim", "events_lost", "events that could not be recorded"},
    {"shim", "advice_unrecorded", "madvise calls that were counted nowhere"},
    {"shim", "ranges_untracked", "ranges that could not be tracked"},
    {"shim", "signals_coalesced", "dumps asked for while one was being made"},
    {"shim", "dumps_failed", "dumps that could not be written"},
};

static void write_limits(FILE *out, const struct dump *dump)
{
    for (uint64_t i = 0; i < dump->missing_count; i++)
        fprintf(out, "not known: %s, because %s\n", dump->missing[i].what, dump->missing[i].why);
    for (size_t i = 0; i < sizeof LOSSES / sizeof LOSSES[0]; i++) {
        uint64_t lost = dump_counter_value(dump, LOSSES[i].book, LOSSES[i].counter);
        if (lost > 0)
            fprintf(out, "lost: %s: %" PRIu64 "\n", LOSSES[i].what, lost);
    }
    for (uint64_t i = 0; i < dump->books_count; i++) {
        if (dump->books[i].untrusted_reads > 0)
            fprintf(out, "not trusted: reads of %s: %" PRIu64 "\n", dump->books[i].name,
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
static void write_advices(FILE *out, const struct dump *dump)
{
    bool has_go = false;
    for (uint64_t i = 0; i < dump->advices_count; i++) {
        write_advice(out, &dump->advices[i]);
        has_go |= strcmp(dump->advices[i].by, "go") == 0;
    }
    const struct dump_book *shim = dump_find_book(dump, "shim");
    if (!has_go && shim != NULL && strcmp(shim->how, "patched") == 0)
        fputs("given back by Go: nothing so far (no madvise call)\n", out);
}

void report_write_dump(FILE *out, const struct dump *dump, const char *title, uint32_t width_columns)
{
    fprintf(out, "%s\n", title);
    write_who(out, dump);
    write_rss(out, &dump->rss);
    write_classes(out, &dump->rss, width_columns);
    write_explained(out, &dump->rss);
    write_findings(out, dump, width_columns);
    fputc('\n', out);
    write_limits(out, dump);
    write_advices(out, dump);
}

static void write_compared(FILE *out, const struct dump *dumps, const uint32_t *file_numbers, uint32_t dumps_count)
{
    struct table table;
    class_table_fill_compared(&table, dumps, file_numbers, dumps_count);
    fputs("\nresident in each file\n", out);
    table_print(&table, out);
}

static void write_titled(const struct dump *dump, const char *path, uint32_t number, uint32_t files_count)
{
    char title[4096 + 32];
    if (files_count > 1)
        snprintf(title, sizeof title, "file %u: %s", number, path);
    else
        snprintf(title, sizeof title, "%s", path);
    printable_clean(title);
    report_write_dump(stdout, dump, title, command_output_columns());
}

/* A dump that cannot be read does not keep the others from being shown. Those to be compared are kept until the end. */
static enum exit_code report_files(char **paths, uint32_t files_count)
{
    struct dump kept[CLASS_TABLE_DUMPS_MAX];
    uint32_t kept_numbers[CLASS_TABLE_DUMPS_MAX];
    uint32_t kept_count = 0, shown_count = 0;
    for (uint32_t i = 0; i < files_count; i++) {
        struct dump dump;
        struct error error;
        if (!dump_load(&dump, paths[i], &error)) {
            command_complain("report", paths[i], &error);
            continue;
        }
        if (shown_count++ > 0)
            fputc('\n', stdout);
        write_titled(&dump, paths[i], i + 1, files_count);
        if (files_count > CLASS_TABLE_DUMPS_MAX) {
            dump_free(&dump);
            continue;
        }
        kept_numbers[kept_count] = i + 1;
        kept[kept_count++] = dump;
    }
    if (kept_count > 1)
        write_compared(stdout, kept, kept_numbers, kept_count);
    while (kept_count > 0)
        dump_free(&kept[--kept_count]);
    return shown_count == files_count ? EXIT_CODE_OK : EXIT_CODE_UNREADABLE;
}

static void write_help(FILE *out)
{
    struct table table;
    fputs(USAGE, out);
    class_table_fill_meanings(&table);
    table_print(&table, out);
}

enum exit_code report_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"help", no_argument, NULL, 'h'}, {"html", required_argument, NULL, 'w'}, {0}};
    const char *html_path = NULL;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1;) {
        if (option == 'w') {
            html_path = optarg;
            continue;
        }
        if (option != 'h')
            return command_refuse_option("report", argv);
        write_help(stdout);
        return EXIT_CODE_OK;
    }
    if (optind == argc)
        return command_refuse_use("report", "no dump was named");
    if (html_path != NULL)
        return html_report_run(html_path, argv + optind, (uint32_t)(argc - optind));
    return report_files(argv + optind, (uint32_t)(argc - optind));
}
