/* SPDX-License-Identifier: Apache-2.0
 *
 * The command's side of the page that a watched process shares (gopagewatch/control.h).
 *
 * No signal is sent and nothing is attached to: a process that has no shim is not touched.
 */
#ifndef GPW_HARNESS_CONTROL_PAGE_H
#define GPW_HARNESS_CONTROL_PAGE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "gopagewatch/control.h"
#include "harness/error.h"

struct control_page {
    int fd;         /* -1: closed */
    int pid, pidfd; /* pidfd is -1 on kernels before 5.3 */
    struct gpw_control *page;
    uint32_t request; /* in hand */
    uint32_t settle;  /* the same of those to come to rest */
};

/* Finds and maps the page of process `pid`. False: `error` says why there is none, and what to do. For
 * control_page_close. */
bool control_page_open(struct control_page *control, int pid, struct error *error);
/* A request in hand is given up: its dump may come all the same. */
void control_page_close(struct control_page *control);

struct control_answer {
    char path[PATH_MAX]; /* of the dump, as this process sees it: through /proc/PID/root where that is another */
};

/* Asks for a dump with this label and waits for `wait_ns` at most, and no longer than the process lives; other commands
 * that ask are waited for too. False: `error` says why no dump came. */
bool control_page_ask(struct control_page *control, const char *label, uint64_t wait_ns, struct control_answer *answer,
                      struct error *error);

/* The same in two steps, neither of which waits. */

/* False: another command asks at the moment. */
bool control_page_begin(struct control_page *control, const char *label, struct error *error);

enum control_state { CONTROL_PENDING, CONTROL_MADE, CONTROL_FAILED };

/* What has become of the request; `error` says why when it failed. */
enum control_state control_page_poll(struct control_page *control, struct control_answer *answer, struct error *error);

/* Asking the program to come to rest (harness/settle.h is the whole of it). */

/* Whether it has a thread that does that. */
bool control_page_serves_settle(const struct control_page *control);
/* False: another command asks at the moment. True: for control_page_settle_end. */
bool control_page_settle_begin(struct control_page *control, struct error *error);
/* Whether it is at rest, after `wait_ns` at most. */
bool control_page_settle_await(struct control_page *control, uint64_t wait_ns);
void control_page_settle_end(struct control_page *control);

#endif
