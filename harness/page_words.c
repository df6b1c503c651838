/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of words.
 */
#include "harness/page_words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const CLASS_NAMES[] = {
#define X(id, name, meaning) name,
    GPW_MEMORY_CLASSES(X)
#undef X
};

static const char *const CLASS_MEANINGS[] = {
#define X(id, name, meaning) meaning,
    GPW_MEMORY_CLASSES(X)
#undef X
};

const char *class_name(enum memory_class memory_class)
{
    return CLASS_NAMES[memory_class];
}

const char *class_meaning(enum memory_class memory_class)
{
    return CLASS_MEANINGS[memory_class];
}

static const struct {
    const char *word, *sentence;
} KINDS[] = {
    [PAGE_RESERVED] = {"reserved", "address space that Go has not put to use yet"},
    [PAGE_FREE] = {"free", "free, and not given back to the OS"},
    [PAGE_RELEASED] = {"released", "free, and given back to the OS (scavenged)"},
    [PAGE_OBJECTS] = {"objects", "a span of objects"},
    [PAGE_STACK] = {"stack", "a span of goroutine stacks"},
    [PAGE_WORK] = {"work", "the runtime's own: work buffers of the collector, or pointer bitmaps"},
    [PAGE_UNTRUSTED] = {"not known", "no span could be trusted: the page changes hands at this moment"},
};

const char *page_kind_word(enum heap_page_kind kind)
{
    return KINDS[kind].word;
}

const char *page_kind_sentence(enum heap_page_kind kind)
{
    return KINDS[kind].sentence;
}

const char *answer_word(enum answer answer)
{
    static const char *const WORDS[ANSWERS] = {"not known", "no", "yes"};
    return WORDS[answer];
}

static const struct {
    const char *word, *sentence;
} SWEEPS[SWEEP_RELATIONS] = {
    [SWEEP_NEEDED] = {"needed", "not swept since the last collection: dead objects count as allocated"},
    [SWEEP_UNDER_WAY] = {"under way", "being swept"},
    [SWEEP_DONE] = {"done", "swept"},
    [SWEEP_CACHED_BEFORE] = {"needed, cached", "held by a P since before the last collection, and not swept"},
    [SWEEP_CACHED] = {"done, cached", "swept, and a P allocates from it"},
    [SWEEP_NOT_KNOWN] = {"not known", "not known: a collection ended while it was read"},
};

const char *sweep_word(enum sweep_relation relation)
{
    return SWEEPS[relation].word;
}

const char *sweep_sentence(enum sweep_relation relation)
{
    return SWEEPS[relation].sentence;
}

const char *span_state_word(uint8_t state)
{
    switch (state) {
    case MSPAN_IN_USE:
        return "in use";
    case MSPAN_MANUAL:
        return "manually managed";
    default:
        return "dead";
    }
}

enum palloc_words { WORDS_OUTSIDE, WORDS_FREE, WORDS_SCAVENGED, WORDS_ALLOCATED, WORDS_CACHED, WORDS_MARKED };

static const struct {
    const char *word, *sentence;
} PALLOCS[] = {
    [WORDS_OUTSIDE] = {"none", "the page allocator does not have it"},
    [WORDS_FREE] = {"free", "free, not scavenged"},
    [WORDS_SCAVENGED] = {"scavenged", "free and scavenged"},
    [WORDS_ALLOCATED] = {"allocated", "allocated"},
    [WORDS_CACHED] = {"cached", "free, in the page cache of a P"},
    [WORDS_MARKED] = {"allocated and scavenged",
                      "scavenged, and not to be had: in the page cache of a P, or the random "
                      "padding before the heap (go1.26)"},
};

static enum palloc_words palloc_words(const struct go_page *page)
{
    if (!page->is_in_page_allocator)
        return WORDS_OUTSIDE;
    if (page->has_span)
        return page->is_marked_allocated ? WORDS_ALLOCATED : WORDS_FREE;
    switch (page->palloc_state) {
    case PALLOC_FREE:
        return page->is_marked_allocated ? WORDS_CACHED : WORDS_FREE;
    case PALLOC_RELEASED:
        return page->is_marked_allocated ? WORDS_MARKED : WORDS_SCAVENGED;
    case PALLOC_ALLOCATED:
        break;
    }
    return WORDS_ALLOCATED;
}

const char *palloc_word(const struct go_page *page)
{
    return PALLOCS[palloc_words(page)].word;
}

const char *palloc_sentence(const struct go_page *page)
{
    return PALLOCS[palloc_words(page)].sentence;
}

/* ---- the kernel's page ---- */

struct words {
    char *text;
    size_t bytes, filled;
};

__attribute__((format(printf, 2, 3))) static void add(struct words *words, const char *format, ...)
{
    va_list arguments;
    if (words->filled >= words->bytes)
        return;
    if (words->filled != 0)
        words->filled += (size_t)snprintf(words->text + words->filled, words->bytes - words->filled, ", ");
    if (words->filled >= words->bytes)
        return;
    va_start(arguments, format);
    int added = vsnprintf(words->text + words->filled, words->bytes - words->filled, format, arguments);
    va_end(arguments);
    words->filled += added < 0 ? 0 : (size_t)added;
}

static void add_present(struct words *words, const struct os_page *page)
{
    if (page->knows_zero_page && page->is_zero_page) {
        add(words, "the shared zero page: read, never written, no part of the RSS");
        return;
    }
    add(words, "present");
    add(words, page->is_file_or_shared ? "of a file or shared memory" : "anonymous");
    add(words, page->is_exclusive ? "mapped by this process alone" : "not exclusive");
    if (page->knows_huge && page->is_huge)
        add(words, "in a huge page");
    if (!page->knows_zero_page && !page->is_file_or_shared && !page->is_exclusive)
        add(words, "perhaps the shared zero page");
}

void os_page_words(const struct os_page *page, char *text, size_t bytes)
{
    struct words words = {text, bytes, 0};
    text[0] = '\0';
    if (page->error != 0) {
        add(&words, "pagemap cannot be read: %s", strerror(-page->error));
        return;
    }
    if (page->is_guard)
        add(&words, "a guard: touching it faults");
    else if (page->is_present)
        add_present(&words, page);
    else if (page->is_swapped)
        add(&words, "swapped out or being moved");
    else
        add(&words, "not there: never touched, or given up");
    if (page->knows_soft_dirty)
        add(&words, page->is_soft_dirty ? "soft-dirty" : "not soft-dirty");
}
