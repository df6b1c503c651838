/* SPDX-License-Identifier: Apache-2.0
 *
 * The "go" part of the document.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_DOCUMENT_GO_H
#define GPW_DUMP_DOCUMENT_GO_H

#include "dump/document.h"

/* The book "goruntime": by which layout the heaps were read, what is missing and why, what could not be trusted. */
void document_fill_goruntime(struct book *book, const struct heap_books *heaps);

void document_write_go(struct json *json, const struct document *document, struct bump *bump);

#endif
