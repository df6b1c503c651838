/* SPDX-License-Identifier: Apache-2.0
 *
 * Handlers of SIGUSR2 that are written in C. What they receive arrives at c_handlers_await_one by a pipe.
 */
#ifndef C_HANDLERS_H
#define C_HANDLERS_H

enum c_handler {
    HANDLER_INFO,  /* three arguments, by sigaction(2) */
    HANDLER_PLAIN, /* one argument, by signal(2) */
    HANDLER_IGNORE,
    HANDLER_DEFAULT,
    HANDLER_BEFORE /* what stood there before the first installation */
};

/* Makes the pipe; to be called first. Returns 0, or -1. */
int c_handlers_start(void);

void c_handlers_install(enum c_handler handler);

/* Which handler sigaction(2) says is installed, and its flags: info, plain, ignore, default, other. A constant string.
 */
const char *c_handlers_query(unsigned *flags);

/* A child of vfork, which shares this memory, sets SIGUSR2 to its default, as a shell does before exec, and is waited
 * for. */
void c_handlers_vfork(void);

/* A C handler without SA_ONSTACK interrupts a thread of C's own that has an alternate stack. "own" or "alternate": the
 * stack that it ran on. What stood there before is installed again. */
const char *c_handlers_stack(void);

/* Blocks until a handler has run once more. Returns 0, or -1 when that cannot happen any longer. */
int c_handlers_await_one(void);

/* Process that sent the last signal that came with a siginfo. */
int c_handlers_sender(void);

/* How many signals came with another number than SIGUSR2, or with a siginfo that is none. */
int c_handlers_bad(void);

#endif
