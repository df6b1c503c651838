/* SPDX-License-Identifier: Apache-2.0
 *
 * The command's side of the page that a watched process shares (gopagewatch/control.h).
 *
 * No signal is sent and nothing is attached to: a process that has no shim is not touched.
 */
#ifndef GPW_HARNESS_CONTROL_PAGE_H
#define GPW_HARNESS_CONTROL_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "gopagewatch/control.h"
#include "harness/error.h"

struct control_page {
    int fd;
    struct gpw_control *page;
};

/* Finds and maps the page of process `pid`. False: `error` says why there is none, and what to do. For
 * control_page_close. */
bool control_page_open(struct control_page *control, int pid, struct error *error);
void control_page_close(struct control_page *control);

/* How a request ended. `path` is as the process sees it. */
struct control_answer {
    char path[GPW_CONTROL_PATH_BYTES];
};

/* Asks for a dump with this label and waits for `wait_ns` at most; other commands that ask are waited for too. False:
 * `error` says why no dump came. */
bool control_page_ask(struct control_page *control, const char *label, uint64_t wait_ns, struct control_answer *answer,
                      struct error *error);

#endif
