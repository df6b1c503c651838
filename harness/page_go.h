/* SPDX-License-Identifier: Apache-2.0
 *
 * What Go's books say of one address in an arena.
 */
#ifndef GPW_HARNESS_PAGE_GO_H
#define GPW_HARNESS_PAGE_GO_H

#include "dump/heap_books.h"
#include "harness/page_facts.h"

/* Where a span's sweepgen stands against mheap_'s (mheap.go:mspan.sweepgen). */
enum sweep_relation sweep_relation_of(uint32_t span_sweepgen, uint32_t heap_sweepgen);

/* Walks the arena of `book` that holds `address` and fills all but module and version; `os_page_bytes` for what lies on
 * the OS page. The program goes on: what changed while it was read is read again, a few times. False: the arena cannot
 * be read. */
bool page_go_look(struct go_page *page, struct heap_book *book, uintptr_t address, uint64_t os_page_bytes);

#endif
