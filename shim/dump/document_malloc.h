/* SPDX-License-Identifier: Apache-2.0
 *
 * The book "malloc": how malloc's heaps were read, what is missing and why.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_DOCUMENT_MALLOC_H
#define GPW_DUMP_DOCUMENT_MALLOC_H

#include "dump/document.h"

/* `other`: NULL where no malloc could be asked. */
void document_fill_malloc(struct book *book, const struct snapshot *snapshot, const struct other_malloc *other);

#endif
