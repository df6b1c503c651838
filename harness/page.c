/* SPDX-License-Identifier: Apache-2.0
 *
 * One address, or one frame, of a live process.
 */
#include "harness/page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/command_options.h"
#include "harness/os_page.h"
#include "harness/page_look.h"
#include "harness/page_maps.h"
#include "harness/page_object.h"
#include "harness/page_write.h"
#include "harness/symbols_directories.h"
#include "memory/text.h"

static const char NAME[] = "page";

static const char USAGE[] =
    "usage: gopagewatch page ADDR PID [--map VAR]... [--deep] [--json] [--exe EXE] [--symbols DIR]\n"
    "       gopagewatch page --pfn N PID [--json]\n"
    "\n"
    "Shows all that is known of one address of a running Go process: its mapping and class; in Go's\n"
    "heap the arena and page, what the page allocator says, the span, the slot, whether an object is\n"
    "there and whether the last collection marked it, its type where Go keeps one, and the map that it\n"
    "belongs to; and what the kernel says of the OS page. The process is not stopped.\n"
    "\n"
    "  ADDR               in hex, with or without 0x\n"
    "      --map VAR      does it belong to the map in the package variable VAR (main.cache,\n"
    "                     main.srv.cache), to one of a package ('main.*'), to any ('*')? Can be given\n"
    "                     several times. Without it main's maps are searched and, of a program of up to\n"
    "                     64 MiB, those of all packages: 4 million entries at most, and for a second\n"
    "      --deep         follow all pointers from the maps' keys and elements, not only their own\n"
    "      --exe EXE      the program as it was before it was stripped, to find its variables\n"
    "      --symbols DIR  look for its debug information in DIR too; can be given several times\n"
    "      --pfn N        the way back: which pages of the process are the page frame N (decimal, or hex\n"
    "                     with 0x), and whose they are. For root only.\n"
    "      --json         for machines, one document\n"
    "  -h, --help         this page\n"
    "\n"
    "Be root, or the user that the process runs as. The frame's number, its flags and how often it\n"
    "is mapped are shown to root only.\n"
    "\n"
    "examples:\n"
    "  gopagewatch page 0xc000123000 4711\n"
    "  gopagewatch page 0xc000123000 4711 --map main.cache\n"
    "  gopagewatch page --pfn 0x1a2b3c 4711\n"
    "\n"
    "exit status: 0 it was shown (also that nothing is there), 2 wrong use, 4 the process cannot be\n"
    "read, or it has no such variable\n";

enum { PAGES_MAX = 64, THING_BYTES = 32 };

struct request {
    struct command_process process;
    bool is_frame, is_json;
    uintptr_t address;
    uint64_t frame;
    struct page_maps_question maps;
    struct symbols_directories directories;
    struct symbols_options symbols;
};

/* ---- arguments ---- */

static bool take_hex(struct text *text)
{
    return (text_take_char(text, '0') && (text_take_char(text, 'x') || text_take_char(text, 'X')));
}

bool page_parse_address(const char *text, uintptr_t *address)
{
    struct text rest = text_of(text);
    uint64_t value;
    if (!take_hex(&rest))
        rest = text_of(text);
    if (!text_take_hex(&rest, &value) || rest.at != rest.end)
        return false;
    *address = value;
    return true;
}

bool page_parse_frame(const char *text, uint64_t *frame)
{
    struct text rest = text_of(text);
    bool is_hex = take_hex(&rest);
    if (!is_hex)
        rest = text_of(text);
    return (is_hex ? text_take_hex(&rest, frame) : text_take_decimal(&rest, frame)) && rest.at == rest.end &&
           *frame != 0 && *frame <= OS_PAGE_FRAME;
}

static enum exit_code take_arguments(struct request *request, char *const *arguments, int count)
{
    int wanted = request->is_frame ? 1 : 2;
    if (count < wanted)
        return command_refuse_use(NAME, "%s was named", count == 0 && wanted == 2 ? "no address" : "no process");
    if (count > wanted && request->is_frame)
        return command_refuse_use(NAME, "a frame and one process, not '%s' as well", arguments[wanted]);
    if (count > wanted)
        return command_refuse_use(NAME, "one address of one process, not '%s' as well", arguments[wanted]);
    if (!request->is_frame && !page_parse_address(arguments[0], &request->address))
        return command_refuse_use(NAME,
                                  "'%s' is no address: give it in hex, like 0xc000123000 (names of variables are not "
                                  "looked up)",
                                  arguments[0]);
    if (request->is_frame && request->maps.names_count > 0)
        return command_refuse_use(NAME, "--map goes with an address, not with --pfn");
    if (!command_read_process(arguments[wanted - 1], &request->process))
        return command_refuse_use(NAME, "'%s' is no process id%s", arguments[wanted - 1],
                                  request->is_frame ? "" : "; the address comes first");
    return EXIT_CODE_OK;
}

/* ---- output ---- */

static void write_title(const struct page_look *look, const char *what)
{
    const struct document *document = &look->live.outside->document;
    const struct module *module = &look->live.outside->modules.modules[0];
    const char *version = module->runtime.version.text;
    printf("%s in %s (pid %" PRIu64 "), %s\n\n", what, document->comm, document->pid,
           version[0] != '\0' ? version : "Go version not known");
}

/* The front of the document, which the caller goes on with and ends. */
static void begin_json(struct json *json, const struct page_look *look, char *buffer)
{
    const struct document *document = &look->live.outside->document;
    json_open(json, STDOUT_FILENO, buffer);
    json_begin_object(json, NULL);
    json_put_string(json, "schema", "gopagewatch.page/1");
    json_put_number(json, "pid", document->pid);
    json_put_string(json, "comm", document->comm);
    json_put_string(json, "go_version", look->live.outside->modules.modules[0].runtime.version.text);
}

static bool end_json(struct json *json, struct error *error)
{
    json_end_object(json);
    json_newline(json);
    int result = json_finish(json);
    return result == 0 || error_set(error, "standard output: %s; the output is not whole", strerror(-result));
}

/* ---- an address ---- */

/* Is it worth the time, when nobody asked? Only what lies in an object can be part of a map. */
static bool should_search(const struct request *request, const struct page_object *object)
{
    return request->maps.names_count > 0 || object->is_object;
}

static bool show_address(struct page_look *look, const struct request *request, struct error *error)
{
    struct page_facts facts;
    struct page_object object = {0};
    struct page_maps maps;
    struct page_maps_question question = request->maps;
    char what[THING_BYTES];
    if (!page_look_at(look, request->address, &facts, error))
        return false;
    if (facts.is_go)
        page_object_look(&object, &facts.go);
    facts.object = &object;
    question.address = request->address;
    question.symbols = &request->symbols;
    if (should_search(request, &object)) {
        if (!page_maps_search(&maps, NAME, request->process.pid, request->process.text, &question, error))
            return false;
        facts.maps = &maps;
    }
    if (request->is_json) {
        struct json json;
        begin_json(&json, look, look->live.outside->json_buffer);
        page_write_json(&json, &facts);
        return end_json(&json, error);
    }
    snprintf(what, sizeof what, "0x%" PRIxPTR, request->address);
    write_title(look, what);
    page_write_text(stdout, &facts);
    return true;
}

/* ---- a frame ---- */

static bool check_frame(uint64_t frame, struct error *error)
{
    uint64_t flags;
    if (os_page_own_frame(NULL) == 0)
        return error_set(error, "frame numbers are hidden from you: they need CAP_SYS_ADMIN; be root");
    int result = os_frame_flags(frame, &flags);
    if (result == -ENXIO)
        return error_set(error, "this machine has no frame 0x%" PRIx64, frame);
    if (result == 0 && (flags >> FRAME_FLAG_ZERO_PAGE & 1) != 0)
        return error_set(error,
                         "frame 0x%" PRIx64 " is the shared zero page: it stands for what was read and never written, "
                         "in all processes, and is nobody's",
                         frame);
    return true;
}

struct found {
    uintptr_t pages[PAGES_MAX];
    int64_t count;
    bool is_more;
};

static bool show_lines(struct page_look *look, const struct request *request, const struct found *found,
                       struct error *error)
{
    char what[THING_BYTES + 8];
    snprintf(what, sizeof what, "frame 0x%" PRIx64, request->frame);
    write_title(look, what);
    for (int64_t i = 0; i < found->count; i++) {
        struct page_facts facts;
        if (!page_look_at(look, found->pages[i], &facts, error))
            return false;
        page_write_line(stdout, &facts);
    }
    if (found->count == 0)
        puts("mapped nowhere in this process");
    if (found->is_more)
        printf("and at more places: only the first %d are shown\n", PAGES_MAX);
    if (found->count > 0)
        printf("\n'gopagewatch page 0x%" PRIxPTR " %d' tells all of a page\n", found->pages[0], request->process.pid);
    return true;
}

static bool show_json(struct page_look *look, const struct request *request, const struct found *found,
                      struct error *error)
{
    struct json json;
    begin_json(&json, look, look->live.outside->json_buffer);
    json_put_number(&json, "frame", request->frame);
    json_put_bool(&json, "is_more", found->is_more);
    json_begin_array(&json, "pages");
    for (int64_t i = 0; i < found->count; i++) {
        struct page_facts facts;
        if (!page_look_at(look, found->pages[i], &facts, error))
            return false;
        json_newline(&json);
        json_begin_object(&json, NULL);
        page_write_json(&json, &facts);
        json_end_object(&json);
    }
    json_end_array(&json);
    return end_json(&json, error);
}

static bool show_frame(struct page_look *look, const struct request *request, struct error *error)
{
    struct found found;
    found.count = page_look_find_frame(look, request->frame, found.pages, PAGES_MAX, &found.is_more, error);
    if (found.count < 0)
        return false;
    return request->is_json ? show_json(look, request, &found, error) : show_lines(look, request, &found, error);
}

/* ---- the whole ---- */

static enum exit_code show(const struct request *request)
{
    struct page_look look;
    struct error error;
    bool is_good = (!request->is_frame || check_frame(request->frame, &error)) &&
                   page_look_open(&look, NAME, request->process.text, request->process.pid, &error);
    if (is_good) {
        is_good = request->is_frame ? show_frame(&look, request, &error) : show_address(&look, request, &error);
        page_look_close(&look);
    }
    if (is_good)
        return EXIT_CODE_OK;
    command_complain(NAME, request->process.text, &error);
    return EXIT_CODE_UNREADABLE;
}

/* ---- the subcommand ---- */

enum { OPTION_PFN = 256, OPTION_JSON, OPTION_MAP, OPTION_DEEP, OPTION_EXE, OPTION_SYMBOLS };

static enum exit_code take_map(struct request *request, const char *name)
{
    if (request->maps.names_count == PAGE_MAPS_NAMES_MAX)
        return command_refuse_use(NAME, "at most %d times --map; 'main.*' are all of a package", PAGE_MAPS_NAMES_MAX);
    request->maps.names[request->maps.names_count++] = name;
    return EXIT_CODE_OK;
}

static enum exit_code take_option(void *context, int option, const char *value)
{
    struct request *request = context;
    struct error error;
    switch (option) {
    case OPTION_JSON:
        request->is_json = true;
        return EXIT_CODE_OK;
    case OPTION_MAP:
        return take_map(request, value);
    case OPTION_DEEP:
        request->maps.is_deep = true;
        return EXIT_CODE_OK;
    case OPTION_EXE:
        request->maps.program = value;
        return EXIT_CODE_OK;
    case OPTION_PFN:
        request->is_frame = true;
        return page_parse_frame(value, &request->frame) ? EXIT_CODE_OK
                                                        : command_refuse_use(NAME, "'%s' is no frame number", value);
    default: /* OPTION_SYMBOLS */
        if (symbols_directories_add(&request->directories, value, &error))
            return EXIT_CODE_OK;
        command_complain(NAME, value, &error);
        return EXIT_CODE_UNREADABLE;
    }
}

enum exit_code page_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP,
                                            {"pfn", required_argument, NULL, OPTION_PFN},
                                            {"json", no_argument, NULL, OPTION_JSON},
                                            {"map", required_argument, NULL, OPTION_MAP},
                                            {"deep", no_argument, NULL, OPTION_DEEP},
                                            {"exe", required_argument, NULL, OPTION_EXE},
                                            {"symbols", required_argument, NULL, OPTION_SYMBOLS},
                                            {0}};
    static const struct command_syntax SYNTAX = {
        .name = NAME, .usage = USAGE, .shorts = ":h", .longs = OPTIONS, .take = take_option};
    struct request request = {0};
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &request, &code))
        return code;
    code = take_arguments(&request, argv + optind, argc - optind);
    request.symbols = symbols_directories_options(&request.directories);
    return code == EXIT_CODE_OK ? show(&request) : code;
}
