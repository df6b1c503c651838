/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's own state as it is while a program is watched, made up for the test's process: books open, nothing
 * patched, no thread, no signal handler. Criterion runs each test in a process of its own, so nothing is taken back.
 */
#ifndef GPW_TESTS_WATCHING_H
#define GPW_TESTS_WATCHING_H

#include "preload/shim.h"

/* The number and content of the event that was recorded last. */
struct event watching_last_event(void);
void watching_begin(void);

#endif
