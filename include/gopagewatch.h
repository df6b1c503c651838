/* SPDX-License-Identifier: Apache-2.0
 *
 * gopagewatch, for programs that want to talk to it.
 *
 *     gpw_mark("loading");         what the program does from now on: "phase" of every later dump
 *     gpw_dump("index built");     a dump now, with that label
 *
 * A program may include this for ever. Where the shim is not loaded every function returns at once, for the price of a
 * load and a comparison, and of one system call that fails when a file that includes this calls its first function.
 * Nothing is linked against and nothing has to be shipped. C99 and later, C++, cgo; gcc and clang; elsewhere it is
 * inert.
 *
 * The shim's functions are asked for through posix_madvise(3), which the shim stands for: with an advice that no kernel
 * has. Weak symbols, the usual way, would not do. In an executable that is not position-independent they are resolved
 * to 0 when it is linked, and Go's own linker makes strong imports of them, without which the program would not start.
 * This way works in any executable and shared library, under any linker, and is inert in a static executable, which
 * loads no shim.
 *
 * May be called from any thread, but not from a signal handler. In a child of fork(2) every function is inert.
 * docs/client.md has examples and a Go package.
 */
#ifndef GOPAGEWATCH_H
#define GOPAGEWATCH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the shim hands out. Not to be used directly. */
struct gpw_functions {
    int (*active)(void);
    int (*mark)(const char *phase);
    int (*dump)(const char *label);
    unsigned (*settle_await)(unsigned done);
};

/* Asks for the above: `start` is where the address of the shim's `struct gpw_functions` goes, of `bytes` bytes. Another
 * set of functions would have another advice. */
#define GPW_FUNCTIONS_ADVICE 0x31777067 /* "gpw1" */

#if defined(__linux__) && defined(__GNUC__)

/* posix_madvise, under a name that no declaration of libc's can disagree with. */
extern int gpw_ask_(void *start, size_t bytes, int advice) __asm__("posix_madvise");

/* NULL: there is no shim. Any thread may be first, the answer is always the same. */
static inline const struct gpw_functions *gpw_functions_(void)
{
    static const struct gpw_functions none = {NULL, NULL, NULL, NULL};
    static const struct gpw_functions *known;
    const struct gpw_functions *functions = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (functions == NULL) {
        functions = &none;
        (void)gpw_ask_(&functions, sizeof functions, GPW_FUNCTIONS_ADVICE);
        __atomic_store_n(&known, functions, __ATOMIC_RELAXED);
    }
    return functions == &none ? NULL : functions;
}

#else

static inline const struct gpw_functions *gpw_functions_(void)
{
    return NULL;
}

#endif

/* 1: the shim is loaded and watches this process. 0: it does not, or not yet (the Go runtime has not begun), or this is
 * a forked child. */
static inline int gpw_active(void)
{
    const struct gpw_functions *functions = gpw_functions_();
    return functions == NULL ? 0 : functions->active();
}

/* Says what the program does from now on. Every dump that begins later, whoever asks for it, has this text under
 * "phase": at most 63 bytes, what is longer is cut. "" or NULL: nothing in particular, as at the start. Makes no dump
 * and does not wait for one. 0, or -1: not active. */
static inline int gpw_mark(const char *phase)
{
    const struct gpw_functions *functions = gpw_functions_();
    return functions == NULL ? -1 : functions->mark(phase);
}

/* Makes a dump and returns when it is written. It begins after this was called and has this label (at most 63 bytes;
 * NULL is ""), also when others ask at the same time: callers take turns. 0, or -1: not active, or it could not be
 * made, and the shim has said why on standard error. */
static inline int gpw_dump(const char *label)
{
    const struct gpw_functions *functions = gpw_functions_();
    return functions == NULL ? -1 : functions->dump(label);
}

/* For a thread that brings the program to rest when somebody wants to measure it (gopagewatch dump --settle): reports
 * the request `done` as fulfilled (0: none), waits for the next and returns its number, which is never 0. 0 at once:
 * not active, or nobody can ask.
 *
 *     for (unsigned n = gpw_settle_await(0); n != 0; n = gpw_settle_await(n))
 *         give_back_what_is_not_needed();
 */
static inline unsigned gpw_settle_await(unsigned done)
{
    const struct gpw_functions *functions = gpw_functions_();
    return functions == NULL ? 0 : functions->settle_await(done);
}

#ifdef __cplusplus
}
#endif

#endif
