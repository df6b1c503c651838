/* SPDX-License-Identifier: Apache-2.0
 *
 * The facts of a page in words: the terms that text and JSON share.
 */
#ifndef GPW_HARNESS_PAGE_WORDS_H
#define GPW_HARNESS_PAGE_WORDS_H

#include <stddef.h>

#include "harness/page_facts.h"

enum { PAGE_WORDS_BYTES = 256 };

const char *class_name(enum memory_class memory_class);    /* "go.objects" */
const char *class_meaning(enum memory_class memory_class); /* "slots of in-use spans ..." */
const char *page_kind_word(enum heap_page_kind kind);      /* "objects", "stack", "free" ... */
const char *page_kind_sentence(enum heap_page_kind kind);
const char *answer_word(enum answer answer); /* "yes", "no", "not known" */
const char *sweep_word(enum sweep_relation relation);
const char *sweep_sentence(enum sweep_relation relation);
const char *span_state_word(uint8_t state);
/* What the page allocator says, as a word and as a sentence. */
const char *palloc_word(const struct go_page *page);
const char *palloc_sentence(const struct go_page *page);
/* "present, anonymous, mapped by this process alone, ..." */
void os_page_words(const struct os_page *page, char *text, size_t bytes);

#endif
