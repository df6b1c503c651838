/* SPDX-License-Identifier: Apache-2.0
 *
 * One map, or all of a package, in a running process or in a core file.
 */
#include "harness/map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dump/document_maps.h"
#include "harness/command_options.h"
#include "harness/human.h"
#include "harness/map_look.h"
#include "harness/map_table.h"
#include "harness/symbols_directories.h"
#include "memory/text.h"

static const char NAME[] = "map";

static const char USAGE[] =
    "usage: gopagewatch map VAR PID [--deep] [--json] [--exe EXE] [--symbols DIR]\n"
    "       gopagewatch map VAR --exe EXE --core CORE [--deep] [--json] [--symbols DIR]\n"
    "       gopagewatch map 0xADDR --type TYPE PID\n"
    "\n"
    "Shows how many pages a Go map really costs: its entries, slots and load; for its header, buckets,\n"
    "keys and elements what was asked for, what that takes as allocated, in how many pages and spans,\n"
    "and what of it is resident; which pages hold nothing else; what the map would take if it was made\n"
    "anew, when it grows next and to what, what deleting it frees. A running process is not stopped.\n"
    "\n"
    "VAR is a package variable as Go names it: main.cache, example.com/shop/store.Items; a field on the\n"
    "way to the map is main.srv.cache, an element main.shards[3]; 'main.*' are all maps of a package,\n"
    "'main.shards.*' all of a variable: 4,096 are looked at, the 100 that take most memory shown.\n"
    "\n"
    "      --type TYPE    of the map at an address, whose header is there: 'map[string]string'\n"
    "      --deep         follow all pointers from keys and elements, not only their own\n"
    "      --json         for machines, one document\n"
    "      --verbose      of many maps too all that is known, not only a table\n"
    "      --core CORE    in the core file CORE, which EXE left\n"
    "      --exe EXE      the program; of a running one that was stripped: as it was before\n"
    "      --symbols DIR  look for its debug information in DIR too; can be given several times\n"
    "  -h, --help         this page\n"
    "\n"
    "Variables are found by the program's debug information (DWARF), which go build makes unless it is\n"
    "told not to (-ldflags=-w or -s). Be root, or the user that the process runs as.\n"
    "\n"
    "examples:\n"
    "  gopagewatch map main.cache 4711\n"
    "  gopagewatch map 'main.*' 4711\n"
    "  gopagewatch map main.srv.cache --exe ./app --core core\n"
    "  gopagewatch map 0xc000123000 --type 'map[string]int' 4711\n"
    "\n"
    "exit status: 0 it was shown (also that it is nil), 2 wrong use, 4 the process or core cannot be\n"
    "read, there is no such variable, or no map that was asked for could be read\n";

/* So many are shown in full without --verbose. */
enum { FEW_MAPS = 3, ADDRESS_BYTES = 32 };

struct request {
    const char *what;
    struct map_question question;
    const char *core;
    struct command_process process;
    bool is_json, is_verbose;
    struct symbols_directories directories;
    struct symbols_options symbols;
};

/* ---- arguments ---- */

static bool read_address(const char *text, uintptr_t *address)
{
    struct text rest = text_of(text);
    uint64_t value;
    if (!text_starts_with(rest, "0x"))
        return false;
    rest.at += 2;
    if (!text_take_hex(&rest, &value) || rest.at != rest.end || value == 0)
        return false;
    *address = value;
    return true;
}

static enum exit_code take_what(struct request *request)
{
    bool is_address = strncmp(request->what, "0x", 2) == 0;
    if (request->question.type_name == NULL && is_address)
        return command_refuse_use(NAME, "of which type is the map at %s? Give --type 'map[string]string'",
                                  request->what);
    if (request->question.type_name == NULL) {
        request->question.what = request->what;
        return EXIT_CODE_OK;
    }
    if (!read_address(request->what, &request->question.address))
        return command_refuse_use(NAME, "--type goes with an address like 0xc000123000, not with '%s'", request->what);
    return EXIT_CODE_OK;
}

static enum exit_code take_process(struct request *request, char *const *arguments, int count)
{
    if (request->core != NULL) {
        if (count > 0)
            return command_refuse_use(NAME, "one core file, not '%s' as well", arguments[0]);
        return request->question.program != NULL
                   ? EXIT_CODE_OK
                   : command_refuse_use(NAME, "--core needs the program that left it too: --exe EXE");
    }
    if (count == 0)
        return command_refuse_use(NAME, "no process was named");
    if (count > 1)
        return command_refuse_use(NAME, "one map (or 'main.*') of one process, not '%s' as well", arguments[1]);
    if (!command_read_process(arguments[0], &request->process))
        return command_refuse_use(NAME, "'%s' is no process id; the map comes first", arguments[0]);
    return EXIT_CODE_OK;
}

static enum exit_code take_arguments(struct request *request, char *const *arguments, int count)
{
    if (count == 0)
        return command_refuse_use(NAME, "no map was named");
    request->what = arguments[0];
    enum exit_code code = take_what(request);
    return code != EXIT_CODE_OK ? code : take_process(request, arguments + 1, count - 1);
}

/* ---- output ---- */

static bool write_json(const struct map_look *look, const struct map_answers *answers, struct error *error)
{
    const struct document *document = &look->outside->document;
    struct json json;
    json_open(&json, STDOUT_FILENO, look->outside->json_buffer);
    json_begin_object(&json, NULL);
    json_put_string(&json, "schema", "gopagewatch.maps/1");
    json_put_number(&json, "pid", document->pid);
    json_put_string(&json, "comm", document->comm);
    json_put_string(&json, "go_version", answers->module->runtime.version.text);
    json_put_bool(&json, "knows_residency", look->residency != NULL);
    json_put_number(&json, "left_out", answers->left_out);
    document_write_maps(&json, "maps", answers->answers, answers->count);
    json_end_object(&json);
    json_newline(&json);
    int result = json_finish(&json);
    return result == 0 || error_set(error, "standard output: %s; the output is not whole", strerror(-result));
}

/* A page with objects of several of them counts for each in what is resident; those of one alone do not. */
static void write_sums(const struct map_look *look, const struct map_answers *answers, uint64_t shown)
{
    uint64_t resident_bytes = 0, alone_bytes = 0, allocated_bytes = 0, entries = 0;
    for (uint32_t i = 0; i < answers->count; i++) {
        const struct map_answer *answer = &answers->answers[i];
        if (answer->why != NULL)
            continue;
        resident_bytes += answer->total.resident_bytes;
        alone_bytes += answer->alone_bytes;
        allocated_bytes += answer->total.allocated_bytes;
        entries += answer->entries;
    }
    printf("\nall %" PRIu32 " maps: %s entries, %s allocated", answers->count, human_count(entries).text,
           human_bytes(allocated_bytes).text);
    if (look->residency != NULL)
        printf(", resident at most %s (%s alone)", human_bytes(resident_bytes).text, human_bytes(alone_bytes).text);
    if (shown < answers->count)
        printf("; %" PRIu64 " rows are not shown (--json has them)", answers->count - shown);
    putchar('\n');
}

static void write_text(const struct map_look *look, const struct request *request, const struct map_answers *answers)
{
    const struct map_table_options options = {
        .width_columns = command_output_columns(),
        .knows_residency = look->residency != NULL,
        .style = style_choose(isatty(STDOUT_FILENO)),
    };
    bool has_details = request->is_verbose || answers->count <= FEW_MAPS;
    if (answers->count > 1)
        write_sums(look, answers,
                   map_table_write_summary(stdout, answers->answers, answers->count, MAP_TABLE_ROWS_MAX, &options));
    for (uint32_t i = 0; has_details && i < answers->count; i++) {
        if (answers->count > 1)
            fputc('\n', stdout);
        map_table_write_details(stdout, &answers->answers[i], &options);
    }
}

static bool is_any_known(const struct map_answers *answers)
{
    for (uint32_t i = 0; i < answers->count; i++) {
        if (answers->answers[i].why == NULL)
            return true;
    }
    return false;
}

static void tell(const struct map_look *look, const struct request *request, const struct map_answers *answers)
{
    if (look->residency == NULL)
        command_tell(NAME, "%s: what was resident is not known: the core has no holes, all pages were written",
                     request->core);
    if (answers->left_out > 0)
        command_tell(NAME, "%s: %" PRIu64 " more maps were not looked at, %d at a time; name fewer", request->what,
                     answers->left_out, MAP_LOOK_MAX);
    if (!request->is_json && !request->is_verbose && answers->count > FEW_MAPS && is_any_known(answers))
        command_tell(NAME, "all of one map: name it, or give --verbose");
}

static enum exit_code fail(const char *thing, const struct error *error)
{
    command_complain(NAME, thing, error);
    return EXIT_CODE_UNREADABLE;
}

/* Of one map the reason is the whole answer. */
static enum exit_code refuse(const char *thing, const struct map_answers *answers)
{
    const struct map_answer *first = &answers->answers[0];
    struct error error;
    char at[ADDRESS_BYTES] = "";
    if (first->address != 0)
        snprintf(at, sizeof at, " (at 0x%" PRIxPTR ")", first->address);
    if (answers->count == 1)
        error_set(&error, "%s%s: %s", first->name, at, first->why);
    else
        error_set(&error, "none of the %" PRIu32 " maps could be read; %s%s: %s", answers->count, first->name, at,
                  first->why);
    return fail(thing, &error);
}

static enum exit_code show(struct map_look *look, const struct request *request, const char *thing)
{
    struct map_answers answers;
    struct error error;
    if (!map_look_answer(look, &request->question, &answers, &error))
        return fail(thing, &error);
    bool is_known = is_any_known(&answers);
    if (request->is_json) {
        if (!write_json(look, &answers, &error))
            return fail(thing, &error);
    } else if (is_known || answers.count > 1) {
        write_text(look, request, &answers);
    }
    tell(look, request, &answers);
    return is_known ? EXIT_CODE_OK : refuse(thing, &answers);
}

static enum exit_code run(const struct request *request)
{
    struct map_look look;
    struct error error;
    const char *thing = request->core == NULL ? request->process.text : request->core;
    bool is_program = false;
    bool is_open = request->core == NULL
                       ? map_look_open_process(&look, NAME, request->process.pid, thing, &error)
                       : map_look_open_core(&look, NAME, request->question.program, request->core, &is_program, &error);
    if (!is_open)
        return fail(is_program ? request->question.program : thing, &error);
    enum exit_code code = show(&look, request, thing);
    map_look_close(&look);
    return code;
}

/* ---- the subcommand ---- */

enum { OPTION_TYPE = 256, OPTION_DEEP, OPTION_JSON, OPTION_VERBOSE, OPTION_CORE, OPTION_EXE, OPTION_SYMBOLS };

static enum exit_code take_option(void *context, int option, const char *value)
{
    struct request *request = context;
    struct error error;
    switch (option) {
    case OPTION_TYPE:
        request->question.type_name = value;
        return EXIT_CODE_OK;
    case OPTION_DEEP:
        request->question.is_deep = true;
        return EXIT_CODE_OK;
    case OPTION_JSON:
        request->is_json = true;
        return EXIT_CODE_OK;
    case OPTION_VERBOSE:
        request->is_verbose = true;
        return EXIT_CODE_OK;
    case OPTION_CORE:
        request->core = value;
        return EXIT_CODE_OK;
    case OPTION_EXE:
        request->question.program = value;
        return EXIT_CODE_OK;
    default: /* OPTION_SYMBOLS */
        return symbols_directories_add(&request->directories, value, &error) ? EXIT_CODE_OK : fail(value, &error);
    }
}

enum exit_code map_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP,
                                            {"type", required_argument, NULL, OPTION_TYPE},
                                            {"deep", no_argument, NULL, OPTION_DEEP},
                                            {"json", no_argument, NULL, OPTION_JSON},
                                            {"verbose", no_argument, NULL, OPTION_VERBOSE},
                                            {"core", required_argument, NULL, OPTION_CORE},
                                            {"exe", required_argument, NULL, OPTION_EXE},
                                            {"symbols", required_argument, NULL, OPTION_SYMBOLS},
                                            {0}};
    static const struct command_syntax SYNTAX = {
        .name = NAME, .usage = USAGE, .shorts = ":h", .longs = OPTIONS, .take = take_option};
    struct request request = {0};
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &request, &code))
        return code;
    request.symbols = symbols_directories_options(&request.directories);
    request.question.symbols = &request.symbols;
    code = take_arguments(&request, argv + optind, argc - optind);
    return code == EXIT_CODE_OK ? run(&request) : code;
}
