/* SPDX-License-Identifier: Apache-2.0
 *
 * Our signal, shared with the program.
 *
 * The kernel has our handler; what the program believes it installed is kept here ("the program's action"). sigaction
 * and signal answer from that and change only that. Our handler wakes the dumper and then does for the program what the
 * kernel would have done: run its handler with the same arguments and its own mask, once if it asked for SA_RESETHAND;
 * nothing for SIG_IGN. For SIG_DFL nothing either: the default of these signals is to end the program, and a program
 * that is watched is asked for a dump by it. A child that fork made gets the program's action back; one that exec is
 * done in without that (vfork, posix_spawn, Go's os/exec) has SIG_DFL then, for a handler is what the kernel sees, also
 * where the program's action is SIG_IGN.
 *
 * Actions stand in a ring. A writer takes a ticket, fills its place, and swaps the ticket in as the current one: that
 * swap orders concurrent calls and yields the action before. A reader copies the current place and is sure of the copy
 * while fewer than a ring's length of tickets have been taken since. Nobody waits.
 */
#ifndef GPW_PRELOAD_SIGNAL_CHAIN_H
#define GPW_PRELOAD_SIGNAL_CHAIN_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { ACTIONS_COUNT = 64 };

struct signal_chain {
    _Atomic int signal; /* 0: not installed */
    int pid;            /* of the process whose handlers these are */
    /* What libc adds to every action and shows when asked (SA_RESTORER on amd64). */
    int libc_flags;
    void (*libc_restorer)(void);
    struct sigaction actions[ACTIONS_COUNT];
    _Atomic uint32_t next_ticket;
    _Atomic uint32_t current_ticket;
};

/* Installs our handler and takes what was installed as the program's action. 0, or -errno.
 * Allowed context: constructor, discovery. */
int signal_chain_install(struct signal_chain *chain, int signal);

/* Gives the kernel the program's action back. Allowed context: forked child. */
void signal_chain_remove(struct signal_chain *chain);

#endif
