/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking for a dump by the page that the shim shares, and naming the file as this process sees it.
 */
#include "harness/request.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "gopagewatch/control.h"
#include "harness/control_page.h"
#include "memory/quantity.h"

static const char NAME[] = "dump";

static const char USAGE[] =
    "usage: gopagewatch dump PID [--label LABEL] [--timeout TIME]\n"
    "\n"
    "Asks the shim inside process PID for a dump, waits until it is whole, and prints its path. No\n"
    "signal is sent: a process without the shim is not touched. The dump goes to where the process's\n"
    "GOPAGEWATCH_OUT says.\n"
    "\n"
    "  -l, --label LABEL    a word for this dump, up to 63 bytes: in the dump, and %l in its name\n"
    "  -t, --timeout TIME   how long to wait (500ms, 30s, 5m); default 30s\n"
    "  -h, --help           this page\n"
    "\n"
    "example:\n"
    "  gopagewatch dump 4711 --label before-deploy\n"
    "  gopagewatch report gopagewatch.4711.1.json\n"
    "\n"
    "exit status: 0 the dump is there (its path is the last line of standard output), 2 wrong use,\n"
    "4 there is no such process, no shim in it, or it could not write the dump\n";

#define TIMEOUT_DEFAULT_NS (30ull * 1000000000)

static enum exit_code ask(const char *pid_text, int pid, const char *label, uint64_t wait_ns)
{
    struct error error;
    struct control_page control;
    struct control_answer answer;
    if (!control_page_open(&control, pid, &error)) {
        command_complain(NAME, pid_text, &error);
        return EXIT_CODE_UNREADABLE;
    }
    bool is_made = control_page_ask(&control, label, wait_ns, &answer, &error);
    control_page_close(&control);
    if (!is_made) {
        command_complain(NAME, pid_text, &error);
        return EXIT_CODE_UNREADABLE;
    }
    command_tell(NAME, "dump written; next: gopagewatch report %s", answer.path);
    printf("%s\n", answer.path);
    return EXIT_CODE_OK;
}

enum exit_code request_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                            {"label", required_argument, NULL, 'l'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {0}};
    const char *label = "";
    uint64_t wait_ns = TIMEOUT_DEFAULT_NS;
    int pid;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "hl:t:", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 'h':
            fputs(USAGE, stdout);
            return EXIT_CODE_OK;
        case 'l':
            label = optarg;
            break;
        case 't':
            if (!quantity_time_ns(optarg, &wait_ns))
                return command_refuse_use(NAME, "'%s' is no time: give 500ms, 30s or 5m", optarg);
            break;
        default:
            return command_refuse_option(NAME, argv);
        }
    }
    if (strlen(label) >= GPW_LABEL_BYTES)
        return command_refuse_use(NAME, "the label has %zu bytes; give at most %d", strlen(label), GPW_LABEL_BYTES - 1);
    if (optind == argc)
        return command_refuse_use(NAME, "no process was named");
    if (argc - optind > 1)
        return command_refuse_use(NAME, "one process at a time, not '%s' as well", argv[optind + 1]);
    if (!command_read_pid(argv[optind], &pid))
        return command_refuse_use(NAME, "'%s' is no process id", argv[optind]);
    return ask(argv[optind], pid, label, wait_ns);
}
