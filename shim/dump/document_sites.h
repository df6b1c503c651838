/* SPDX-License-Identifier: Apache-2.0
 *
 * Who did it: the part of the document about call sites.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_DOCUMENT_SITES_H
#define GPW_DUMP_DOCUMENT_SITES_H

#include "dump/document.h"

/* The purpose of what another malloc than glibc's maps for its heap: c.heap and not c.mmap. */
#define DOCUMENT_PURPOSE_MALLOC "malloc"

/* "callsites": a row for each that was called; empty when nobody watched. */
void document_write_sites(struct json *json, const struct document *document);

/* Of an event or a call site: an advice's name, a mapping's protection, or "". */
const char *document_call_detail(uint8_t operation, uint8_t detail);
const char *document_call_operation(uint8_t operation);
const char *document_caller(uint8_t by);

#endif
