/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's options: the GOPAGEWATCH_ variables.
 *
 * One table with name, default and meaning; read once, when a Go runtime is found. A wrong value costs one line on
 * stderr and the default is used.
 *
 * Allowed context: constructor, discovery.
 */
#ifndef GPW_PRELOAD_OPTIONS_H
#define GPW_PRELOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { OPTION_TEXT_BYTES = 1024 };

/* Of which calls the stack is kept: none; the Go runtime's; C's as well. */
enum stacks_wanted { STACKS_OFF, STACKS_GO, STACKS_ALL };

enum log_level { LOG_QUIET, LOG_ERROR, LOG_INFO, LOG_DEBUG };

struct options {
    char out[OPTION_TEXT_BYTES];    /* pattern of the dump's path */
    char events[OPTION_TEXT_BYTES]; /* pattern of the path that all events go to; "": none */
    uint64_t events_file_bytes;     /* how large that file may become */
    int signal;                     /* number, or 0: none */
    bool follow;                    /* children are watched too */
    uint64_t every_ns;              /* 0: not by time */
    bool at_exit;
    uint64_t rss_bytes; /* 0: not by size */
    enum stacks_wanted stacks;
    const char *watch; /* in the environment; NULL: no map is watched */
    enum log_level log;
};

/* X(variable, field parser, default, meaning) */
#define GPW_OPTIONS(X)                                                                                                 \
    X(LOG, log, "error", "what is said on stderr: quiet, error, info or debug")                                        \
    X(OUT, out, "gopagewatch.%p.%n.json", "path of a dump: %p pid, %n number, %e program, %h host, %t time, %l label") \
    X(SIGNAL, signal, "USR2", "the signal that asks for a dump: USR1, USR2, WINCH, IO, PWR, RTMIN+N or none")          \
    X(EVERY, every, "none", "a dump every so often: 30s, 5m, 1h (at least 100ms), or none")                            \
    X(AT_EXIT, at_exit, "0", "1: a dump when the program ends by itself")                                              \
    X(RSS, rss, "none", "a dump when the resident memory passes so much: 512MiB, 2GiB, or none")                       \
    X(STACKS, stacks, "all",                                                                                           \
      "who maps and gives back memory: off; go: stacks of the Go runtime's calls; all: C's too")                       \
    X(WATCH, watch, "none", "Go maps that every dump tells about: what 'gopagewatch run --watch' found, or none")      \
    X(EVENTS, events, "none",                                                                                          \
      "a file that all memory calls are streamed to: %p pid, %e program, %h host, %t time; or none")                   \
    X(EVENTS_SIZE, events_size, "64MiB", "how large that file becomes; then the oldest calls in it are dropped")       \
    X(FOLLOW, follow, "1", "0: a watched program's children are not watched")

/* Fills `options` from the environment. Complains through log.h. */
void options_read(struct options *options, char **environment);

/* Is `value` right for GOPAGEWATCH_`name`? NULL, or what would be accepted. */
const char *options_check(const char *name, const char *value);

/* The value of `name` in `environment`, or NULL. */
const char *environment_value(char **environment, const char *name);

#endif
