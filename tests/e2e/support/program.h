/* SPDX-License-Identifier: Apache-2.0
 *
 * A program under test: started with pipes to all three of its streams and in a process group of its own, talked to
 * line by line, and killed with everything it started when the test is over, however it ends.
 *
 * Every function fails the test when what it promises does not come to pass within DEADLINE_SECONDS; the sentence then
 * holds what the program wrote on both streams.
 */
#ifndef SUPPORT_PROGRAM_H
#define SUPPORT_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

struct program;

struct program_setup {
    const char *const *arguments;   /* NULL at the end; the first is the path, looked for in PATH without a slash */
    const char *const *environment; /* NULL at the end: "NAME=value" sets, "NAME" takes away; or NULL */
    const char *directory;          /* to start in; NULL: the test's own */
    void (*before_exec)(void);      /* run in the child, e.g. to set a limit; or NULL */
};

/* The environment is the test's own with LC_ALL=C and without LD_PRELOAD and the variables of the Go runtime and of the
 * shim, then `environment`. Standard input is a pipe. */
struct program *program_start(const struct program_setup *setup);

pid_t program_pid(const struct program *program);

void program_send(struct program *program, const char *line);
void program_close_input(struct program *program);
void program_signal(struct program *program, int number);

/* The next line of standard output that begins with the prefix; those before it are passed over. Without its end; valid
 * until the next call for this program. */
const char *program_await_line(struct program *program, const char *prefix);

/* Waits for "ready PHASE" and returns the line "truth PHASE ..." before it, "" when there was none. Valid as above. */
const char *program_await_phase(struct program *program, const char *phase);

/* Waits until standard error holds the text. */
void program_await_error(struct program *program, const char *text);

/* Sends an empty line: on to the next phase. */
void program_go_on(struct program *program);

/* Waits until the program has ended by itself. Returns its exit status, or minus the signal that ended it. What it
 * started and left behind is killed. May be called again. */
int program_await_end(struct program *program);

/* Kills the program and what it started, if anything is left, and frees `program`. Not needed at the end of a test. */
void program_free(struct program *program);

/* Whether it has ended, without waiting. */
bool program_has_ended(struct program *program);

/* All that has been written so far on standard output and on standard error. Valid until the next call. */
const char *program_output(struct program *program);
const char *program_errors(struct program *program);

/* Waits until a descriptor of the test's (not the program's) can be read, and reads along what the program writes, so
 * that it is never stopped by a full pipe. Fails the test when the program ends before. `what` says what is awaited. */
void program_await_readable(struct program *program, int descriptor, const char *what);

/* Runs a program to its end without input: start, close the input, await the end. */
struct program *program_run(const struct program_setup *setup);

#endif
