/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding and calling the statistics of other mallocs.
 */
#include "preload/malloc_functions.h"

#include <dlfcn.h>
#include <stddef.h>

#include "preload/old_libc.h"

#define ALL_IS_USED "all of its memory counts as c.heap.used"

typedef int (*mallctl_function)(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes);
typedef int (*property_function)(const char *name, size_t *value);
typedef void (*process_info_function)(size_t *elapsed_ms, size_t *user_ms, size_t *system_ms, size_t *rss_bytes,
                                      size_t *peak_rss_bytes, size_t *commit_bytes, size_t *peak_commit_bytes,
                                      size_t *page_faults);

static void count(struct malloc_answer *answer, const char *name, uint64_t value)
{
    if (answer->counters_count < MALLOC_COUNTERS_MAX)
        answer->counters[answer->counters_count++] = (struct malloc_counter){name, value};
}

/* jemalloc keeps the numbers of the last epoch; a new one adds up those of all arenas. Its own tables (metadata) count
 * as used: nobody could give them back. */
static void read_jemalloc(void *statistics, struct malloc_answer *answer)
{
    static const struct {
        const char *name, *counter;
        bool is_used;
    } NUMBERS[] = {
        {"stats.allocated", "allocated_bytes", true}, {"stats.metadata", "metadata_bytes", true},
        {"stats.active", "active_bytes", false},      {"stats.resident", "resident_bytes", false},
        {"stats.mapped", "mapped_bytes", false},      {"stats.retained", "retained_bytes", false},
    };
    mallctl_function mallctl = *(mallctl_function *)&statistics;
    uint64_t epoch = 1;
    size_t epoch_bytes = sizeof epoch;
    if (mallctl("epoch", &epoch, &epoch_bytes, &epoch, sizeof epoch) != 0)
        answer->why_empty = "this jemalloc does not bring its statistics up to date; " ALL_IS_USED;
    for (unsigned i = 0; answer->why_empty == NULL && i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        size_t value, value_bytes = sizeof value;
        bool has_value = mallctl(NUMBERS[i].name, &value, &value_bytes, NULL, 0) == 0 && value_bytes == sizeof value;
        if (has_value)
            count(answer, NUMBERS[i].counter, value);
        else if (i == 0)
            answer->why_empty = "this jemalloc was built without statistics; " ALL_IS_USED;
        if (has_value && NUMBERS[i].is_used)
            answer->used_bytes += value;
    }
}

static void read_tcmalloc(void *statistics, struct malloc_answer *answer)
{
    static const struct {
        const char *name, *counter;
    } NUMBERS[] = {
        {"generic.current_allocated_bytes", "allocated_bytes"},
        {"generic.heap_size", "heap_bytes"},
        {"tcmalloc.pageheap_free_bytes", "pageheap_free_bytes"},
        {"tcmalloc.pageheap_unmapped_bytes", "pageheap_unmapped_bytes"},
        {"tcmalloc.current_total_thread_cache_bytes", "thread_cache_bytes"},
    };
    property_function get = *(property_function *)&statistics;
    for (unsigned i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        size_t value = 0;
        bool has_value = get(NUMBERS[i].name, &value) != 0;
        if (has_value)
            count(answer, NUMBERS[i].counter, value);
        if (has_value && i == 0)
            answer->used_bytes = value;
        if (!has_value && i == 0)
            answer->why_empty = "this tcmalloc does not tell how much is allocated; " ALL_IS_USED;
    }
}

/* What it has taken from the system is all that a release build of mimalloc counts. A sum of its blocks there is not:
 * mi_heap_visit_blocks sees the calling thread's alone. */
static void read_mimalloc(void *statistics, struct malloc_answer *answer)
{
    process_info_function process_info = *(process_info_function *)&statistics;
    size_t elapsed_ms, user_ms, system_ms, rss_bytes, peak_rss_bytes, commit_bytes = 0, peak_commit_bytes = 0, faults;
    process_info(&elapsed_ms, &user_ms, &system_ms, &rss_bytes, &peak_rss_bytes, &commit_bytes, &peak_commit_bytes,
                 &faults);
    count(answer, "committed_bytes", commit_bytes);
    count(answer, "committed_peak_bytes", peak_commit_bytes);
    answer->why_empty = "mimalloc tells how much it has committed, not how much of it is allocated; " ALL_IS_USED;
}

#define LATE(name)                                                                                \
    name " has not answered within 0.2 s, as when a thread stands still that holds its lock; it " \
         "is not asked again until it has; " ALL_IS_USED

static const struct {
    const char *name, *why_late;
    bool uses_brk;
    void (*read)(void *statistics, struct malloc_answer *answer);
    const char *symbols[3]; /* prefixes are chosen when jemalloc is built; Rust's has the last */
} KNOWN[] = {
    {"jemalloc", LATE("jemalloc"), false, read_jemalloc, {"mallctl", "je_mallctl", "_rjem_mallctl"}},
    {"tcmalloc", LATE("tcmalloc"), true, read_tcmalloc, {"MallocExtension_GetNumericProperty", NULL, NULL}},
    {"mimalloc", LATE("mimalloc"), false, read_mimalloc, {"mi_process_info", NULL, NULL}},
};

bool malloc_functions_find(struct malloc_functions *functions)
{
    for (unsigned i = 0; dlsym != NULL && i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        for (unsigned k = 0; k < 3 && KNOWN[i].symbols[k] != NULL; k++) {
            void *statistics = dlsym(RTLD_DEFAULT, KNOWN[i].symbols[k]);
            if (statistics == NULL)
                continue;
            *functions = (struct malloc_functions){
                .name = KNOWN[i].name,
                .why_late = KNOWN[i].why_late,
                .uses_brk = KNOWN[i].uses_brk,
                .statistics = statistics,
                .read = KNOWN[i].read,
            };
            return true;
        }
    }
    return false;
}
