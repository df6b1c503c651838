/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking for a dump by the page that the shim shares, and naming the file as this process sees it.
 */
#include "harness/request.h"

#include <stdio.h>
#include <string.h>

#include "gopagewatch/control.h"
#include "harness/command_options.h"
#include "harness/control_page.h"
#include "harness/human.h"
#include "harness/settle.h"
#include "memory/quantity.h"

static const char NAME[] = "dump";

static const char USAGE[] =
    "usage: gopagewatch dump PID [--label LABEL] [--settle TIME] [--timeout TIME]\n"
    "\n"
    "Asks the shim inside process PID for a dump, waits until it is whole, and prints its path. No\n"
    "signal is sent: a process without the shim is not touched. The dump goes to where the process's\n"
    "GOPAGEWATCH_OUT says.\n"
    "\n"
    "  -l, --label LABEL    a word for this dump, up to 63 bytes: in the dump, and %l in its name\n"
    "  -s, --settle TIME    first bring the process to rest, for TIME at most: a program that offers it\n"
    "                       (gopagewatch.h) collects its garbage and gives back what is free; with any\n"
    "                       other, wait until its resident memory is flat\n"
    "  -t, --timeout TIME   how long to wait for the dump (500ms, 30s, 5m); default 30s\n"
    "  -h, --help           this page\n"
    "\n"
    "example:\n"
    "  gopagewatch dump 4711 --label before-deploy\n"
    "  gopagewatch dump 4711 --settle 10s\n"
    "  gopagewatch report gopagewatch.4711.1.json\n"
    "\n"
    "exit status: 0 the dump is there (its path is the last line of standard output), 2 wrong use,\n"
    "4 there is no such process, no shim in it, or it could not write the dump\n";

#define TIMEOUT_DEFAULT_NS (30ull * 1000000000)

/* What was asked for. */
struct request {
    struct command_process process;
    const char *label;
    bool has_settle;
    uint64_t settle_ns, wait_ns;
};

/* False: there is nothing left to be asked. */
static bool settle(const struct request *request, struct control_page *control, struct error *error)
{
    struct settle_outcome outcome = settle_process(request->process.pid, control, request->settle_ns);
    const struct human after = human_duration(outcome.took_ns);
    switch (outcome.end) {
    case SETTLE_AT_REST:
        command_tell(NAME, "at rest after %s: %s", after.text, settle_way_text(outcome.way));
        return true;
    case SETTLE_TIMED_OUT:
        command_tell(NAME, "not at rest after %s; the dump is made all the same", after.text);
        return true;
    case SETTLE_ENDED:
        break;
    }
    return error_set(error, "it has ended while it was to come to rest");
}

static enum exit_code fail(const struct request *request, const struct error *error)
{
    command_complain(NAME, request->process.text, error);
    return EXIT_CODE_UNREADABLE;
}

static enum exit_code ask(const struct request *request)
{
    struct error error;
    struct control_page control;
    struct control_answer answer;
    if (!control_page_open(&control, request->process.pid, &error))
        return fail(request, &error);
    bool is_made = (!request->has_settle || settle(request, &control, &error)) &&
                   control_page_ask(&control, request->label, request->wait_ns, &answer, &error);
    control_page_close(&control);
    if (!is_made)
        return fail(request, &error);
    command_tell(NAME, "dump written; next: gopagewatch report %s", answer.path);
    printf("%s\n", answer.path);
    return EXIT_CODE_OK;
}

static enum exit_code take_option(void *context, int option, const char *value)
{
    struct request *request = context;
    switch (option) {
    case 's':
        request->has_settle = true;
        return quantity_time_ns(value, &request->settle_ns)
                   ? EXIT_CODE_OK
                   : command_refuse_use(NAME, "'%s' is no time: give 500ms, 10s or 1m", value);
    case 't':
        return quantity_time_ns(value, &request->wait_ns)
                   ? EXIT_CODE_OK
                   : command_refuse_use(NAME, "'%s' is no time: give 500ms, 30s or 5m", value);
    default: /* --label */
        request->label = value;
        return EXIT_CODE_OK;
    }
}

enum exit_code request_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP,
                                            {"label", required_argument, NULL, 'l'},
                                            {"settle", required_argument, NULL, 's'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {0}};
    static const struct command_syntax SYNTAX = {
        .name = NAME, .usage = USAGE, .shorts = ":hl:s:t:", .longs = OPTIONS, .take = take_option};
    struct request request = {.label = "", .wait_ns = TIMEOUT_DEFAULT_NS};
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &request, &code))
        return code;
    if (strlen(request.label) >= GPW_LABEL_BYTES)
        return command_refuse_use(NAME, "the label has %zu bytes; give at most %d", strlen(request.label),
                                  GPW_LABEL_BYTES - 1);
    code = command_take_process(NAME, argc, argv, &request.process);
    return code == EXIT_CODE_OK ? ask(&request) : code;
}
