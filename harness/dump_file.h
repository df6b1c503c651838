/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a dump from a file. The file may be anything: a directory, cut short, a gigabyte of noise, another program's
 * JSON, a dump of a later version. Each ends in a sentence that says so and what to do.
 */
#ifndef GPW_HARNESS_DUMP_FILE_H
#define GPW_HARNESS_DUMP_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/dump.h"
#include "harness/error.h"

/* Larger files are refused, and those whose document takes more memory: rows of events and maps take ten times their
 * size, so this is room for a dump of 200 MiB. */
#define DUMP_FILE_BYTES_MAX ((uint64_t)1 << 30)
#define DUMP_MEMORY_BYTES_MAX ((uint64_t)2 << 30)

/* Reads the file at `path` (a regular file or a pipe). True, and the caller calls dump_free; or false and `error` tells
 * why, without naming the path, and `dump` holds nothing. */
bool dump_load(struct dump *dump, const char *path, struct error *error);

/* With the events, which dump_load leaves out. */
bool dump_load_with_events(struct dump *dump, const char *path, struct error *error);

struct json_t; /* jansson's */

/* The document itself, of a file that dump_load would read: whatever struct dump has is there and of the right type,
 * keys that no gopagewatch writes may be there too. Texts are not cleaned. For json_decref; or NULL. */
struct json_t *dump_load_document(const char *path, struct error *error);

/* dump_load in two steps, for a file that may be something else of ours. */

/* For json_decref, or NULL. `skipped`: keys whose lists and objects are read as empty, NULL at the end; or NULL. */
struct json_t *dump_file_parse(const char *path, const char *const *skipped, struct error *error);
bool dump_read(struct dump *dump, const struct json_t *document, struct error *error);

#endif
