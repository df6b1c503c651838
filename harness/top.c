/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop of top: a look, a picture, and then whatever comes first: a key, the end of the process, a dump that was
 * asked for, a signal, the time for the next look.
 */
#include "harness/top.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/command_options.h"
#include "harness/control_page.h"
#include "harness/live_look.h"
#include "harness/top_screen.h"
#include "memory/quantity.h"
#include "memory/raw.h"
#include "memory/units.h"

static const char NAME[] = "top";

static const char USAGE[] =
    "usage: gopagewatch top PID [--interval DUR]\n"
    "\n"
    "Shows live where the resident memory of a running Go process is: classes with their change per\n"
    "second, the collector, what Go gave back, and what stands out. It looks from outside: no shim is\n"
    "needed, nothing is stopped. A look at a large heap takes CPU time; at most a tenth of one CPU is\n"
    "used, and looks become rarer for it (the screen says so).\n"
    "\n"
    "  -i, --interval DUR   time between looks, 100ms to 1h; default 1s\n"
    "  -h, --help           this page\n"
    "\n"
    "Keys: d makes a dump (by the shim where it is loaded in PID, else from outside, into a file\n"
    "gopagewatch.PID.attach.N.json of this directory), s changes the order, ? explains the screen,\n"
    "q quits. When the process ends the last picture stays. NO_COLOR is respected.\n"
    "\n"
    "Be root, or the user that the process runs as (and see /proc/sys/kernel/yama/ptrace_scope).\n"
    "\n"
    "example:\n"
    "  gopagewatch top 4711\n"
    "  gopagewatch top --interval 5s $(pidof app)\n"
    "\n"
    "exit status: 0 it was quit, 2 wrong use or no terminal, 4 the process cannot be read\n";

#define NS_PER_SECOND 1000000000ull
#define NS_PER_MS 1000000u
#define INTERVAL_MIN_NS (100ull * NS_PER_MS)
#define INTERVAL_MAX_NS (3600 * NS_PER_SECOND)
#define DUMP_PATIENCE_NS (30 * NS_PER_SECOND)
#define AWAIT_INTERVAL_NS (20ull * NS_PER_MS)

struct top {
    struct top_model model;
    struct top_picture picture;
    int pid, pidfd; /* pidfd is -1 on kernels before 5.3 */
    int signals;    /* a signalfd */
    int end_signal; /* that is to end us; 0: none */
    bool wants_quit;
    uint64_t next_look_ns;
    struct control_page control; /* open while a dump of the shim's is awaited */
    uint64_t dump_deadline_ns;
    uint32_t dumps;
    char last_dump[PATH_MAX];
};

static uint64_t now_ns(void)
{
    return raw_clock_ns(CLOCK_MONOTONIC);
}

/* ---- looking ---- */

static bool has_process_ended(const struct top *top)
{
    struct pollfd end = {.fd = top->pidfd, .events = POLLIN};
    return top->pidfd >= 0 ? poll(&end, 1, 0) == 1 : kill(top->pid, 0) != 0 && errno == ESRCH;
}

/* The picture stays as it is when the process cannot be read for a while (it may be in the middle of an exec). */
static void look(struct top *top)
{
    struct top_sample sample;
    struct error error;
    uint64_t begin_ns = now_ns();
    bool is_taken = top_sample_take(&sample, top->pid, &error);
    if (has_process_ended(top)) /* the number may be another's by now */
        top_model_end(&top->model);
    else if (is_taken)
        top_model_add(&top->model, &sample);
    else
        top_model_say(&top->model, true, "it cannot be read: %s", error.text);
    top->next_look_ns = begin_ns + top_model_interval_ns(&top->model);
}

static void draw(struct top *top)
{
    uint32_t columns, rows;
    top_screen_size(&columns, &rows);
    top_picture_make(&top->picture, &top->model, columns, rows);
    top_screen_draw(&top->picture);
}

/* ---- dumps ---- */

static void keep_dump(struct top *top, const char *path, const char *how)
{
    snprintf(top->last_dump, sizeof top->last_dump, "%s", path);
    top->dumps++;
    top_model_say(&top->model, false, "%s: %s", how, path);
}

/* The first name that is free: dumps are made to be compared. */
static void name_dump(const struct top *top, char *path, size_t path_bytes)
{
    unsigned number = 1;
    do {
        snprintf(path, path_bytes, "gopagewatch.%d.attach.%u.json", top->pid, number);
    } while (access(path, F_OK) == 0 && number++ < UINT_MAX);
}

static bool dump_from_outside(struct top *top, struct live_look *live, struct error *error)
{
    char path[64];
    name_dump(top, path, sizeof path);
    if (!outside_take(live->outside, error) || !outside_write(live->outside, path, error))
        return false;
    keep_dump(top, path, "dump from outside");
    return true;
}

static bool is_awaiting(const struct top *top)
{
    return top->control.fd >= 0;
}

static bool ask_shim(struct top *top, struct error *error)
{
    if (!control_page_open(&top->control, top->pid, error))
        return false;
    if (!control_page_begin(&top->control, "", error)) {
        control_page_close(&top->control);
        return false;
    }
    top->dump_deadline_ns = now_ns() + DUMP_PATIENCE_NS;
    top_model_say(&top->model, false, "the shim was asked for a dump");
    return true;
}

static void dump(struct top *top)
{
    struct live_look live;
    struct error error, refusal;
    if (top->model.has_ended || is_awaiting(top))
        return;
    if (!live_look_open(&live, NAME, top->pid, "", &error)) {
        top_model_say(&top->model, true, "no dump: %s", error.text);
        return;
    }
    bool has_shim = top->model.now.has_shim;
    if (!has_shim || !ask_shim(top, &refusal)) {
        if (!dump_from_outside(top, &live, &error))
            top_model_say(&top->model, true, "no dump: %s", error.text);
        else if (has_shim)
            top_model_say(&top->model, true, "dump from outside: %s, because of the shim: %s", top->last_dump,
                          refusal.text);
    }
    live_look_close(&live);
}

static void await_dump(struct top *top)
{
    struct control_answer answer;
    struct error error;
    switch (control_page_poll(&top->control, &answer, &error)) {
    case CONTROL_MADE:
        keep_dump(top, answer.path, "dump by the shim");
        break;
    case CONTROL_FAILED:
        top_model_say(&top->model, true, "no dump: %s", error.text);
        break;
    case CONTROL_PENDING:
        if (now_ns() < top->dump_deadline_ns && !top->model.has_ended)
            return;
        top_model_say(&top->model, true, "no dump has come; it is stopped or has ended");
        break;
    }
    control_page_close(&top->control);
}

/* ---- what comes ---- */

static void take_keys(struct top *top)
{
    int key;
    bool has_terminal;
    while ((has_terminal = top_screen_take_key(&key)) && key != 0) {
        if (!is_awaiting(top))
            top_model_say(&top->model, false, "%s", "");
        if (key == 'q')
            top->wants_quit = true;
        else if (key == 'd')
            dump(top);
        else if (key == 's')
            top_model_sort_next(&top->model);
        else if (key == '?' || key == 'h')
            top->model.shows_help = !top->model.shows_help;
    }
    if (!has_terminal)
        top->wants_quit = true;
}

/* Ctrl-C is a way to quit; what others send ends us as it should, but with the terminal put right. */
static void take_signal(struct top *top)
{
    struct signalfd_siginfo info;
    if (read(top->signals, &info, sizeof info) != sizeof info)
        return;
    top->wants_quit = true;
    if (info.ssi_signo != SIGINT)
        top->end_signal = (int)info.ssi_signo;
}

static int wait_ms(const struct top *top)
{
    uint64_t now = now_ns(), until_ns = top->next_look_ns;
    if (top->model.has_ended)
        return -1;
    if (is_awaiting(top)) /* nothing can be polled for that */
        until_ns = min_u64(until_ns, now + AWAIT_INTERVAL_NS);
    return until_ns <= now ? 0 : (int)((until_ns - now + NS_PER_MS - 1) / NS_PER_MS);
}

static void wait_for_something(struct top *top)
{
    struct pollfd awaited[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = top->signals, .events = POLLIN},
        {.fd = top->model.has_ended ? -1 : top->pidfd, .events = POLLIN},
    };
    poll(awaited, sizeof awaited / sizeof awaited[0], wait_ms(top));
    if (awaited[1].revents != 0)
        take_signal(top);
    if (awaited[2].revents != 0)
        top_model_end(&top->model);
    if (is_awaiting(top))
        await_dump(top);
    take_keys(top); /* and a resize, after which poll was interrupted */
}

static void watch(struct top *top)
{
    while (!top->wants_quit) {
        draw(top);
        wait_for_something(top);
        if (!top->wants_quit && !top->model.has_ended && now_ns() >= top->next_look_ns)
            look(top);
    }
}

/* ---- beginning and end ---- */

static void block_signals(struct top *top)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    top->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void end(struct top *top, const char *thing)
{
    control_page_close(&top->control);
    top_screen_close();
    if (top->dumps > 0) {
        printf("%s\n", top->last_dump);
        command_tell(NAME, "%s: dumps made: %" PRIu32 "; next: gopagewatch report %s", thing, top->dumps,
                     top->last_dump);
    }
    if (top->end_signal == 0)
        return;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, top->end_signal);
    signal(top->end_signal, SIG_DFL);
    fflush(stdout);
    raise(top->end_signal);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static enum exit_code show(int pid, const char *thing, uint64_t interval_ns)
{
    static struct top top; /* too large for the stack */
    struct top_sample first;
    struct error error;
    top.pid = pid;
    top.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    top.control.fd = -1;
    top_model_open(&top.model, pid, interval_ns);
    uint64_t begin_ns = now_ns();
    if (!top_sample_take(&first, pid, &error)) {
        command_complain(NAME, thing, &error);
        return EXIT_CODE_UNREADABLE;
    }
    top_model_add(&top.model, &first);
    top.next_look_ns = begin_ns + top_model_interval_ns(&top.model);
    block_signals(&top);
    if (!top_screen_open(&error)) {
        command_complain(NAME, thing, &error);
        return EXIT_CODE_WRONG_USE;
    }
    watch(&top);
    end(&top, thing);
    return EXIT_CODE_OK;
}

static enum exit_code take_option(void *context, int option, const char *value)
{
    uint64_t *interval_ns = context;
    (void)option; /* there is but one */
    if (quantity_time_ns(value, interval_ns) && *interval_ns >= INTERVAL_MIN_NS && *interval_ns <= INTERVAL_MAX_NS)
        return EXIT_CODE_OK;
    return command_refuse_use(NAME, "'%s' is no interval: give 100ms to 1h", value);
}

enum exit_code top_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP, {"interval", required_argument, NULL, 'i'}, {0}};
    static const struct command_syntax SYNTAX = {
        .name = NAME, .usage = USAGE, .shorts = ":hi:", .longs = OPTIONS, .take = take_option};
    uint64_t interval_ns = NS_PER_SECOND;
    struct command_process process;
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &interval_ns, &code) ||
        (code = command_take_process(NAME, argc, argv, &process)) != EXIT_CODE_OK)
        return code;
    return show(process.pid, process.text, interval_ns);
}
