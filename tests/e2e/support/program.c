/* SPDX-License-Identifier: Apache-2.0
 *
 * One loop, pump(), waits for everything at once: both outputs, the end of the process (a pidfd), and a descriptor of
 * the caller's. Every function above it only says what it waits for.
 *
 * The program joins the process group that its guardian leads (guardian.h). A kill of the group can therefore never hit
 * a stranger: the group's number stays taken until the guardian, the last one in it, has killed it.
 */
#include "tests/e2e/support/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/support/deadline.h"
#include "tests/e2e/support/environment.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/guardian.h"
#include "tests/e2e/support/text.h"

enum { READ_BYTES = 65536, TAIL_BYTES = 4000, EXEC_FAILED = 127 };

struct stream {
    int pipe_end; /* -1: at its end */
    struct text text;
};

struct program {
    char *name;
    pid_t pid;
    int pidfd;
    int input; /* -1: closed */
    struct stream output, errors;
    size_t lines_read_to; /* offset in output */
    struct text line;     /* the last one given to the caller */
    struct text truth;
    struct guardian guardian;
    pid_t group;    /* the guardian's */
    bool has_ended; /* but perhaps is not reaped */
    bool is_reaped;
    int status; /* when reaped */
};

static void kill_group(const void *what)
{
    (void)what;
    kill(0, SIGKILL);
}

static const char *tail(const struct text *text)
{
    return text->length <= TAIL_BYTES ? text_string(text) : text->bytes + text->length - TAIL_BYTES;
}

static __attribute__((noreturn)) void fail_about(const struct program *program, const char *what, const char *how)
{
    fail("%s (pid %d): %s: %s\n--- its standard output ---\n%s\n--- its standard error ---\n%s", program->name,
         (int)program->pid, what, how, tail(&program->output.text), tail(&program->errors.text));
}

/* ---- starting ---- */

static __attribute__((noreturn)) void become(const struct program_setup *setup, char **environment, pid_t group,
                                             const int streams[3], int report)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    bool is_ready = setpgid(0, group) == 0;
    for (int i = 0; i < 3; i++)
        is_ready = is_ready && dup2(streams[i], i) == i;
    is_ready = is_ready && (setup->directory == NULL || chdir(setup->directory) == 0);
    if (is_ready) {
        if (setup->before_exec != NULL)
            setup->before_exec();
        execvpe(setup->arguments[0], (char *const *)setup->arguments, environment);
    }
    int number = errno;
    if (write(report, &number, sizeof number) < 0)
        _exit(EXEC_FAILED);
    _exit(EXEC_FAILED);
}

/* The report pipe closes by itself when exec has worked. */
static void check_started(const struct program *program, int report)
{
    int number;
    ssize_t got;
    do {
        got = read(report, &number, sizeof number);
    } while (got < 0 && errno == EINTR);
    close(report);
    if (got == sizeof number)
        fail("%s cannot be started: %s", program->name, strerror(number));
}

struct program *program_start(const struct program_setup *setup)
{
    int input[2], output[2], errors[2], report[2];
    struct program *program = calloc(1, sizeof *program);
    must(program != NULL, "program");
    program->name = strdup(setup->arguments[0]);
    must(program->name != NULL, "program");
    must(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "subreaper");
    program->guardian = guardian_start(kill_group, NULL);
    program->group = program->guardian.pid;
    must(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0 &&
             pipe2(report, O_CLOEXEC) == 0,
         "pipes to %s", program->name);
    char **environment = environment_make(setup->environment);
    program->pid = fork();
    must(program->pid >= 0, "fork of %s", program->name);
    if (program->pid == 0)
        become(setup, environment, program->guardian.pid, (int[3]){input[0], output[1], errors[1]}, report[1]);
    environment_free(environment);
    close(input[0]);
    close(output[1]);
    close(errors[1]);
    close(report[1]);
    program->input = input[1];
    program->output.pipe_end = output[0];
    program->errors.pipe_end = errors[0];
    fcntl(output[0], F_SETFL, O_NONBLOCK);
    fcntl(errors[0], F_SETFL, O_NONBLOCK);
    program->pidfd = (int)syscall(SYS_pidfd_open, program->pid, 0);
    must(program->pidfd >= 0, "pidfd of %s", program->name);
    check_started(program, report[0]);
    return program;
}

struct program *program_run(const struct program_setup *setup)
{
    struct program *program = program_start(setup);
    program_close_input(program);
    program_await_end(program);
    return program;
}

pid_t program_pid(const struct program *program)
{
    return program->pid;
}

/* ---- waiting ---- */

static void read_stream(struct stream *stream)
{
    static char piece[READ_BYTES];
    while (stream->pipe_end >= 0) {
        ssize_t got = read(stream->pipe_end, piece, sizeof piece);
        if (got > 0) {
            text_append(&stream->text, piece, (size_t)got);
        } else if (got == 0) {
            close(stream->pipe_end);
            stream->pipe_end = -1;
        } else if (errno != EINTR) {
            return;
        }
    }
}

/* Waits until something has happened. Whoever sees `has_ended` has all that the program itself wrote. */
static void pump(struct program *program, struct deadline deadline, int descriptor, bool *is_readable)
{
    struct pollfd awaited[] = {
        {.fd = program->has_ended ? -1 : program->pidfd, .events = POLLIN},
        {.fd = program->output.pipe_end, .events = POLLIN},
        {.fd = program->errors.pipe_end, .events = POLLIN},
        {.fd = descriptor, .events = POLLIN},
    };
    int ready = poll(awaited, sizeof awaited / sizeof awaited[0], deadline_left_ms(deadline));
    must(ready >= 0 || errno == EINTR, "poll for %s", program->name);
    if (ready <= 0)
        return;
    if (awaited[0].revents != 0)
        program->has_ended = true;
    read_stream(&program->output);
    read_stream(&program->errors);
    if (is_readable != NULL)
        *is_readable = awaited[3].revents != 0;
}

static const char *take_line(struct program *program)
{
    const char *start = text_string(&program->output.text) + program->lines_read_to;
    const char *end = strchr(start, '\n');
    if (end == NULL)
        return NULL;
    program->line.length = 0;
    text_append(&program->line, start, (size_t)(end - start));
    program->lines_read_to += (size_t)(end - start) + 1;
    return text_string(&program->line);
}

static const char *next_line(struct program *program, struct deadline deadline, const char *what)
{
    const char *line;
    while ((line = take_line(program)) == NULL) {
        if (program->has_ended)
            fail_about(program, what, "the program has ended before");
        if (deadline_left_ms(deadline) == 0)
            fail_about(program, what, "has not come in time");
        pump(program, deadline, -1, NULL);
    }
    return line;
}

const char *program_await_line(struct program *program, const char *prefix)
{
    struct deadline deadline = deadline_usual();
    const char *line;
    do {
        line = next_line(program, deadline, prefix);
    } while (strncmp(line, prefix, strlen(prefix)) != 0);
    return line;
}

const char *program_await_phase(struct program *program, const char *phase)
{
    struct deadline deadline = deadline_usual();
    char ready[256], truth[256];
    snprintf(ready, sizeof ready, "ready %s", phase);
    snprintf(truth, sizeof truth, "truth %s ", phase);
    program->truth.length = 0;
    text_append(&program->truth, "", 0);
    for (;;) {
        const char *line = next_line(program, deadline, ready);
        if (strcmp(line, ready) == 0)
            return text_string(&program->truth);
        if (strncmp(line, truth, strlen(truth)) == 0) {
            program->truth.length = 0;
            text_append(&program->truth, line, strlen(line));
        }
    }
}

void program_await_error(struct program *program, const char *text)
{
    struct deadline deadline = deadline_usual();
    while (strstr(program_errors(program), text) == NULL) {
        if (program->has_ended)
            fail_about(program, text, "the program has ended before");
        if (deadline_left_ms(deadline) == 0)
            fail_about(program, text, "has not come in time");
        pump(program, deadline, -1, NULL);
    }
}

void program_await_readable(struct program *program, int descriptor, const char *what)
{
    struct deadline deadline = deadline_usual();
    bool is_readable = false;
    for (;;) {
        pump(program, deadline, descriptor, &is_readable);
        if (is_readable)
            return;
        if (program->has_ended) {
            /* What it did last may have become visible between the two. */
            struct pollfd last = {.fd = descriptor, .events = POLLIN};
            if (poll(&last, 1, 0) == 1)
                return;
            fail_about(program, what, "the program has ended before");
        }
        if (deadline_left_ms(deadline) == 0)
            fail_about(program, what, "has not come in time");
    }
}

/* ---- talking ---- */

void program_send(struct program *program, const char *line)
{
    struct text sent = {NULL, 0, 0};
    text_append(&sent, line, strlen(line));
    text_append(&sent, "\n", 1);
    /* A reader that is gone shall fail the test, not end it. */
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    ssize_t written = write(program->input, sent.bytes, sent.length);
    signal(SIGPIPE, before);
    if (written != (ssize_t)sent.length)
        fail_about(program, line, "cannot be sent");
    text_free(&sent);
}

void program_go_on(struct program *program)
{
    program_send(program, "");
}

void program_close_input(struct program *program)
{
    if (program->input >= 0)
        close(program->input);
    program->input = -1;
}

void program_signal(struct program *program, int number)
{
    /* Not reaped yet, so the number is still its own. */
    if (program->is_reaped || kill(program->pid, number) != 0)
        fail_about(program, strsignal(number), "cannot be sent");
}

const char *program_output(struct program *program)
{
    read_stream(&program->output);
    return text_string(&program->output.text);
}

const char *program_errors(struct program *program)
{
    read_stream(&program->errors);
    return text_string(&program->errors.text);
}

/* ---- ending ---- */

bool program_has_ended(struct program *program)
{
    struct pollfd end = {.fd = program->pidfd, .events = POLLIN};
    program->has_ended = program->has_ended || poll(&end, 1, 0) == 1;
    return program->has_ended;
}

static void reap(struct program *program)
{
    int status = 0;
    while (waitpid(program->pid, &status, 0) < 0) {
        if (errno != EINTR)
            fail_about(program, "its exit status", strerror(errno));
    }
    program->is_reaped = true;
    program->status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Kills what is left of the group and waits until it is gone. The program itself is reaped with its status. */
static void end_group(struct program *program)
{
    if (program->guardian.pid == 0)
        return;
    guardian_act(&program->guardian);
    if (!program->is_reaped)
        reap(program);
    while (waitpid(-program->group, NULL, 0) > 0 || errno == EINTR) {
    }
}

int program_await_end(struct program *program)
{
    struct deadline deadline = deadline_usual();
    while (!program->has_ended) {
        if (deadline_left_ms(deadline) == 0)
            fail_about(program, "its end", "has not come in time");
        pump(program, deadline, -1, NULL);
    }
    read_stream(&program->output);
    read_stream(&program->errors);
    end_group(program);
    return program->status;
}

static void close_stream(struct stream *stream)
{
    if (stream->pipe_end >= 0)
        close(stream->pipe_end);
    text_free(&stream->text);
}

void program_free(struct program *program)
{
    end_group(program);
    program_close_input(program);
    close_stream(&program->output);
    close_stream(&program->errors);
    close(program->pidfd);
    text_free(&program->line);
    text_free(&program->truth);
    free(program->name);
    free(program);
}
