/* SPDX-License-Identifier: Apache-2.0
 *
 * The facts of a page for people, and for machines.
 */
#ifndef GPW_HARNESS_PAGE_WRITE_H
#define GPW_HARNESS_PAGE_WRITE_H

#include <stdio.h>

#include "dump/json.h"
#include "harness/page_facts.h"

/* A block of lines, a fact each. */
void page_write_text(FILE *out, const struct page_facts *facts);

/* One line: address, class, span, what the kernel says. For a list of pages of one frame. */
void page_write_line(FILE *out, const struct page_facts *facts);

/* The keys that docs/page.md lists, into an object that is open. */
void page_write_json(struct json *json, const struct page_facts *facts);

#endif
