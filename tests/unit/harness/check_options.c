/* SPDX-License-Identifier: Apache-2.0
 *
 * A gate's options: the order they come in, and gopagewatch.ini below them.
 */
#include "harness/check_options.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/check_config.h"
#include "tests/unit/support/files.h"

enum { ARGUMENTS_MAX = 24, SAID_BYTES = 1024 };

struct line {
    struct check_options options;
    char *argv[ARGUMENTS_MAX];
    char said[SAID_BYTES]; /* on stderr */
};

/* `arguments` after "check", up to NULL. */
static enum exit_code read_line(struct line *line, const char *const *arguments)
{
    struct captured_stderr captured;
    int argc = 0;
    line->argv[argc++] = (char *)"check";
    for (; *arguments != NULL; arguments++)
        line->argv[argc++] = (char *)*arguments;
    line->argv[argc] = NULL;
    capture_stderr_begin(&captured);
    enum exit_code code;
    check_options_read(&line->options, "check", argc, line->argv, &code);
    capture_stderr_end(&captured, line->said, sizeof line->said);
    return code;
}

#define READ(line, ...) read_line(line, (const char *const[]){__VA_ARGS__, NULL})

static void expect_files(const struct line *line, enum samples_side side, const char *const *paths)
{
    const struct check_files *files = &line->options.files[side];
    uint64_t count = 0;
    while (paths[count] != NULL)
        count++;
    cr_assert_eq(files->count, count, "%llu files", (unsigned long long)files->count);
    for (uint64_t i = 0; i < count; i++)
        cr_expect_str_eq(files->paths[i], paths[i]);
}

#define FILES(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(check_options, files_belong_to_the_side_before_them)
{
    struct line line;
    cr_assert_eq(READ(&line, "--baseline", "A", "B", "--current", "C", "D", "--limit", "x=1", "E"), EXIT_CODE_OK);
    expect_files(&line, SAMPLES_BASELINE, FILES("A", "B"));
    expect_files(&line, SAMPLES_CURRENT, FILES("C", "D", "E"));
    check_options_free(&line.options);
    cr_assert_eq(READ(&line, "--current", "C", "--baseline=A", "B", "--current", "D", "--baseline", "E"), EXIT_CODE_OK);
    expect_files(&line, SAMPLES_BASELINE, FILES("A", "B", "E"));
    expect_files(&line, SAMPLES_CURRENT, FILES("C", "D"));
    check_options_free(&line.options);
}

Test(check_options, many_files)
{
    struct check_files files = {0};
    struct error error;
    for (uintptr_t i = 0; i < 10000; i++)
        cr_assert(check_files_add(&files, i % 2 == 0 ? "even" : "odd", &error));
    cr_expect_eq(files.count, 10000u);
    cr_expect_str_eq(files.paths[9999], "odd");
    free(files.paths);
}

Test(check_options, all_have_their_place_and_defaults)
{
    struct line line;
    cr_assert_eq(READ(&line, "--current", "C"), EXIT_CODE_OK);
    cr_expect_eq(line.options.settings.alpha, 0.05);
    cr_expect_eq(line.options.settings.min_samples, 4u);
    cr_expect_eq(line.options.settings.top_rows, 10u);
    cr_expect_not(line.options.settings.needs_same_environment);
    check_options_free(&line.options);
    cr_assert_eq(READ(&line, "--alpha", "0.01", "--min-samples=6", "--top", "3", "--require-same-env", "--label", "l",
                      "--phase", "p", "--update-baseline", "U", "--self-test", "--list", "--format", "json=F"),
                 EXIT_CODE_OK);
    cr_expect_eq(line.options.settings.alpha, 0.01);
    cr_expect_eq(line.options.settings.min_samples, 6u);
    cr_expect_eq(line.options.settings.top_rows, 3u);
    cr_expect(line.options.settings.needs_same_environment);
    cr_expect_str_eq(line.options.label, "l");
    cr_expect_str_eq(line.options.phase, "p");
    cr_expect_str_eq(line.options.update_baseline, "U");
    cr_expect(line.options.tests_itself && line.options.lists_metrics);
    cr_assert_eq(line.options.outputs_count, 1u);
    cr_expect_str_eq(line.options.outputs[0].format->name, "json");
    cr_expect_str_eq(line.options.outputs[0].path, "F");
    check_options_free(&line.options);
}

Test(check_options, rules_stand_in_their_order)
{
    struct line line;
    cr_assert_eq(READ(&line, "--exact", "e", "--limit", "l=1", "--slope", "s=2/dump", "--growth", "g=3%"),
                 EXIT_CODE_OK);
    static const enum check_kind KINDS[] = {CHECK_EXACT, CHECK_LIMIT, CHECK_SLOPE, CHECK_GROWTH};
    cr_assert_eq(line.options.settings.rules.count, 4u);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(line.options.settings.rules.rules[i].kind, KINDS[i]);
    check_options_free(&line.options);
}

Test(check_options, what_is_wrong_is_named)
{
    static const struct {
        const char *arguments[4], *said;
    } CASES[] = {
        {{"A"}, "'A': say whether it is --baseline or --current"},
        {{"--", "A"}, "'A' stands behind --; say whether it is --baseline or --current"},
        {{"--colour"}, "option '--colour' is unknown"},
        {{"--current"}, "option '--current' needs a value"},
        {{"-x"}, "option '-x' is unknown"},
        {{"--self-test=5"}, "option '--self-test' takes no value"},
        {{"--alpha", "0"}, "alpha '0': give a chance between 0 and 0.5, as 0.05"},
        {{"--alpha", "0.5"}, "alpha '0.5': give a chance"},
        {{"--alpha", "5%"}, "alpha '5%': give a chance"},
        {{"--alpha", "nan"}, "alpha 'nan': give a chance"},
        {{"--alpha", "-0.1"}, "alpha '-0.1': give a chance"},
        {{"--alpha", "0.0.5"}, "alpha '0.0.5': give a chance"},
        {{"--alpha", "0.1.5"}, "alpha '0.1.5': give a chance"},
        {{"--alpha", ""}, "alpha '': give a chance"},
        {{"--min-samples", "0"}, "min-samples '0': give a whole number from 1 on"},
        {{"--min-samples", "4294967296"}, "min-samples '4294967296': give"},
        {{"--top", "-1"}, "top '-1': give a whole number from 1 on"},
        {{"--format", "xml"}, "format 'xml': give text, json, markdown, junit, github, openmetrics or gobench"},
        {{"--format", "json="}, "format 'json=': give"},
        {{"--format", ""}, "format '': give"},
        {{"--limit", "rss.total"}, "limit of 'rss.total': '' is not accepted; give a size"},
        {{"--config", "/no/such/file"}, "/no/such/file: No such file or directory; name a file like gopagewatch.ini"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct line line;
        enum exit_code code = read_line(&line, CASES[i].arguments);
        cr_expect_eq(code, strcmp(CASES[i].arguments[0], "--config") == 0 ? EXIT_CODE_UNREADABLE : EXIT_CODE_WRONG_USE,
                     "%s: %d", CASES[i].said, code);
        cr_expect_not_null(strstr(line.said, CASES[i].said), "\"%s\" does not say \"%s\"", line.said, CASES[i].said);
        cr_expect_eq(strchr(line.said, '\n'), line.said + strlen(line.said) - 1, "not one line: %s", line.said);
        check_options_free(&line.options);
    }
}

Test(check_options, too_many_formats_are_refused)
{
    struct check_options options = {0};
    struct error error;
    for (int i = 0; i < CHECK_OUTPUTS_MAX; i++)
        cr_assert(check_options_set(&options, "format", "text", &error));
    cr_expect_not(check_options_set(&options, "format", "text", &error));
    cr_expect_str_eq(error.text, "more than 16 formats; give fewer");
}

Test(check_options, label_and_phase_choose_dumps)
{
    struct dump dump = {.label = "ready", .phase = "full"};
    struct check_options options = {0};
    cr_expect(check_options_want(&options, &dump));
    options.label = "ready";
    cr_expect(check_options_want(&options, &dump));
    options.phase = "";
    cr_expect_not(check_options_want(&options, &dump));
    options.phase = "full";
    cr_expect(check_options_want(&options, &dump));
    options.label = "read";
    cr_expect_not(check_options_want(&options, &dump));
}

/* ---- gopagewatch.ini ---- */

static const char INI[] = "; rules of the shop\n"
                          "[check]\n"
                          "baseline = memory.json\n"
                          "baseline = /srv/other.json\n"
                          "alpha = 0.01\n"
                          "min-samples = 5\n"
                          "top = 3\n"
                          "require-same-env = yes\n"
                          "format = text\n"
                          "format = junit=memory.xml\n"
                          "label = ready ; said by the program\n"
                          "phase=full\n"
                          "\n"
                          "[limit]\n"
                          "peak.rss = 512MiB\n"
                          "[growth]\n"
                          "\trss.total = 5%, 8MiB\n"
                          "  rss.c.*.resident = 10%, 4MiB\r\n"
                          "[slope]\n"
                          "rss.total = 64KiB/dump\n"
                          "[exact]\n"
                          "findings.released-resident.bytes =\n";

Test(check_options, configuration_has_it_all)
{
    struct temporary_directory directory;
    char path[FILE_PATH_BYTES], beside[FILE_PATH_BYTES];
    struct line line;
    temporary_directory_make(&directory);
    write_text_file(path_in(&directory, "gopagewatch.ini", path), INI);
    cr_assert_eq(READ(&line, "--current", "C", "--config", path), EXIT_CODE_OK, "%s", line.said);
    const struct check_options *options = &line.options;
    expect_files(&line, SAMPLES_BASELINE, FILES(path_in(&directory, "memory.json", beside), "/srv/other.json"));
    expect_files(&line, SAMPLES_CURRENT, FILES("C"));
    cr_expect_eq(options->settings.alpha, 0.01);
    cr_expect_eq(options->settings.min_samples, 5u);
    cr_expect_eq(options->settings.top_rows, 3u);
    cr_expect(options->settings.needs_same_environment);
    cr_expect_str_eq(options->label, "ready");
    cr_expect_str_eq(options->phase, "full");
    cr_assert_eq(options->outputs_count, 2u);
    cr_expect_str_eq(options->outputs[1].path, "memory.xml");
    static const struct {
        enum check_kind kind;
        const char *pattern;
        uint64_t amount;
    } RULES[] = {{CHECK_LIMIT, "peak.rss", 512 << 20},
                 {CHECK_GROWTH, "rss.total", 8 << 20},
                 {CHECK_GROWTH, "rss.c.*.resident", 4 << 20},
                 {CHECK_SLOPE, "rss.total", 64 << 10},
                 {CHECK_EXACT, "findings.released-resident.bytes", 0}};
    cr_assert_eq(options->settings.rules.count, 5u);
    for (size_t i = 0; i < 5; i++) {
        cr_expect_eq(options->settings.rules.rules[i].kind, RULES[i].kind);
        cr_expect_str_eq(options->settings.rules.rules[i].pattern, RULES[i].pattern);
        cr_expect_eq(options->settings.rules.rules[i].amount, RULES[i].amount, "%s", RULES[i].pattern);
    }
    check_options_free(&line.options);
    temporary_directory_remove(&directory);
}

Test(check_options, command_line_comes_on_top_of_the_configuration)
{
    struct memory_file file = memory_file_of_text(INI);
    struct line line;
    cr_assert_eq(READ(&line, "--alpha", "0.2", "--limit", "peak.rss=1GiB", "--format", "json", "--format", "text",
                      "--baseline", "B1", "--current", "C", "--baseline", "B2", "--top", "7", "--config", file.path),
                 EXIT_CODE_OK, "%s", line.said);
    cr_expect_eq(line.options.settings.alpha, 0.2);
    cr_expect_eq(line.options.settings.top_rows, 7u);
    cr_expect_eq(line.options.settings.min_samples, 5u);
    expect_files(&line, SAMPLES_BASELINE, FILES("B1", "B2"));
    cr_assert_eq(line.options.outputs_count, 2u);
    cr_expect_str_eq(line.options.outputs[0].format->name, "json");
    cr_expect_str_eq(line.options.outputs[1].format->name, "text");
    cr_assert_eq(line.options.settings.rules.count, 6u);
    cr_expect_eq(line.options.settings.rules.rules[5].amount, (uint64_t)1 << 30, "a rule goes behind the file's");
    check_options_free(&line.options);
    memory_file_close(&file);
}

/* The error of check_config_read on a text; "" when there is none. */
static const char *read_config(const char *bytes, uint64_t count)
{
    static struct error error;
    struct check_options options = {0};
    struct memory_file file = memory_file_make(bytes, count);
    bool is_missing = true;
    cr_assert_eq(bump_open(&options.bump, 1 << 20), 0);
    options.settings.rules.bump = &options.bump;
    bool is_read = check_config_read(&options, file.path, &is_missing, &error);
    cr_expect_not(is_missing);
    if (is_read)
        error.text[0] = '\0';
    else
        cr_expect_gt(strlen(error.text), 0u);
    check_options_free(&options);
    memory_file_close(&file);
    return error.text;
}

Test(check_options, wrong_line_of_a_configuration_is_named)
{
    static const struct {
        const char *text, *said;
    } CASES[] = {
        {"", ""},
        {"; nothing\n\n   \n# nothing\n", ""},
        {"\xef\xbb\xbf[limit]\na = 1", ""},
        {"[limit]\na = 1\n[limits]\nb = 1\n",
         "line 4: [limits] is no section; there are check, limit, growth, slope and"},
        {"rss.total = 1\n[limit]\n", "line 1: 'rss.total' stands above all sections; put [check] or a kind of rule"},
        {"[limit]\nrss.total\n", "line 2 is neither [SECTION] nor METRIC = BOUND"},
        {"[limit\nrss.total = 1\n", "line 1 is neither [SECTION] nor"},
        {"[exact]\nrss.total\n", "line 2 is neither [SECTION] nor METRIC = BOUND (METRIC = below [exact])"},
        {"[exact]\nrss.total = 5\n", "line 2: exact of 'rss.total': '5' is not accepted; give nothing but"},
        {"[growth]\n\nrss.total = five\nrss.x = six\n", "line 3: growth of 'rss.total': 'five' is not accepted"},
        {"[growth]\nnonsense\nrss.total = five\n", "line 2 is neither"},
        {"[growth]\nrss.total = five\nnonsense\n", "line 2: growth of"},
        {"[growth]\nrss.total = 5%\n  8MiB\n", "line 3 is neither"},
        {"[growth]\nrss.total = 5%\n  rss.x = 6\n  rss.y = z\n", "line 4: growth of 'rss.y'"},
        {"[limit]\n= 5\n", "line 2: the limit '5' names no metric"},
        {"[check]\ncolour = no\n", "line 2: 'colour' is no setting; there are alpha, min-samples, top, baseline,"},
        {"[check]\nconfig = x\n", "line 2: 'config' is no setting"},
        {"[check]\nalpha = 2\n", "line 2: alpha '2': give a chance"},
        {"[check]\nrequire-same-env = 1\n", "line 2: require-same-env '1': give yes or no"},
        {"[check]\nformat = pdf\n", "line 2: format 'pdf': give text"},
        {"[check]\ntop = many\n", "line 2: top 'many': give a whole number"},
        {"[limit]\nrss.\x01 = 5\n", "line 2: bytes that are no text; name a file like gopagewatch.ini"},
        {"\x7f"
         "ELF\x02\x01\x01",
         "line 1: bytes that are no text"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const char *said = read_config(CASES[i].text, strlen(CASES[i].text));
        if (CASES[i].said[0] == '\0')
            cr_expect_str_empty(said, "%s: %s", CASES[i].text, said);
        else
            cr_expect_eq(strncmp(said, CASES[i].said, strlen(CASES[i].said)), 0, "\"%s\" is not \"%s\"", said,
                         CASES[i].said);
    }
    static const char ZEROS[] = "[limit]\nrss.total = 5\0MiB\n";
    cr_expect_not_null(strstr(read_config(ZEROS, sizeof ZEROS - 1), "line 2: bytes that are no text"));
}

/* inih would go on with byte 200 as if it began a line. */
Test(check_options, long_line_is_no_two_lines)
{
    char text[400] = "[limit]\n;", end[] = "rss.total = 1\n";
    memset(text + 9, ' ', 199);
    strcpy(text + 8 + 198, end);
    cr_expect_str_eq(read_config(text, strlen(text)),
                     "line 2: longer than 198 bytes; put comments on lines of their own");
    memset(text + 9, '-', 190);
    strcpy(text + 8 + 184, end);
    cr_expect_str_empty(read_config(text, strlen(text)));
}

Test(check_options, configuration_that_cannot_be_read)
{
    static const char *const PATHS[] = {"/no/such/file", "/", "/proc/self/mem"};
    static const char *const SAID[] = {"No such file or directory; name a file like gopagewatch.ini",
                                       "Is a directory; name a file", "Input/output error; name a file"};
    for (size_t i = 0; i < 3; i++) {
        struct check_options options = {0};
        struct error error;
        bool is_missing = false;
        cr_expect_not(check_config_read(&options, PATHS[i], &is_missing, &error));
        cr_expect(is_missing, "%s", PATHS[i]);
        cr_expect_not_null(strstr(error.text, SAID[i]), "%s: %s", PATHS[i], error.text);
    }
}
