/* SPDX-License-Identifier: Apache-2.0
 *
 * The one clear line on stderr.
 *
 * A message is put together on the stack and written with one system call, so that it stays whole among the program's
 * own output. Nothing is written when all is well.
 *
 * Allowed context: constructor, discovery, dumper.
 */
#ifndef GPW_PRELOAD_LOG_H
#define GPW_PRELOAD_LOG_H

#include <stdint.h>

#include "memory/text.h"
#include "preload/options.h"

void log_set_level(enum log_level level);

/* From now on lines go to the file that stderr is at this moment, and to no other: a program may close it and have a
 * file of its own at that number. Before this they go to whatever is there. */
void log_open(void);

/* Writes "gopagewatch: " and the texts up to the first NULL as one line. */
void log_line(enum log_level level, const char *const texts[]);

#define log_error(...) log_line(LOG_ERROR, (const char *const[]){__VA_ARGS__, NULL})
#define log_info(...) log_line(LOG_INFO, (const char *const[]){__VA_ARGS__, NULL})
#define log_debug(...) log_line(LOG_DEBUG, (const char *const[]){__VA_ARGS__, NULL})

/* "no space left on device (ENOSPC)", for the errors a dump can meet; "errno N" for others (`buffer` then). */
const char *error_text(int negative_errno, char buffer[NUMBER_TEXT_BYTES + 8]);

#endif
