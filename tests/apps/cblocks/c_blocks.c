/* SPDX-License-Identifier: Apache-2.0 */
#include "c_blocks.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCKS_MAX = 1 << 16, PAGE_BYTES = 4096, UNCACHED_BYTES = 4000, LARGE_BYTES = 4 << 20 };

static void *blocks[BLOCKS_MAX], *large;
static struct c_blocks_places places;

void c_blocks_make(size_t bytes)
{
    size_t count = 0;
    for (size_t total = 0; total < bytes && count < BLOCKS_MAX; count++) {
        size_t size = 500 + count * 613 % 9000;
        blocks[count] = malloc(size);
        if (blocks[count] == NULL)
            abort();
        memset(blocks[count], 1, size);
        total += size;
    }
    for (size_t i = 0; i < count; i += 2) {
        size_t usable_bytes = malloc_usable_size(blocks[i]);
        if (i < count / 2 && usable_bytes > UNCACHED_BYTES) {
            places.freed = (size_t)blocks[i];
            places.freed_bytes = usable_bytes;
            places.used = (size_t)blocks[i + 1];
            places.used_bytes = malloc_usable_size(blocks[i + 1]);
        }
        free(blocks[i]);
        blocks[i] = NULL;
    }
    large = malloc(LARGE_BYTES);
    if (large == NULL)
        abort();
    memset(large, 1, LARGE_BYTES);
    /* From outside it is known only where nothing of somebody else's is merged below it. */
    void *below = (void *)(((size_t)large & ~(size_t)(PAGE_BYTES - 1)) - PAGE_BYTES);
    bool is_apart =
        mmap(below, PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == below;
    places.large = is_apart ? (size_t)large : 0;
    places.large_bytes = malloc_usable_size(large);
}

struct c_blocks_places c_blocks_places(void)
{
    return places;
}

void c_blocks_map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    memset(memory, 1, bytes);
}

typedef int (*mallctl_function)(const char *, void *, size_t *, void *, size_t);
typedef int (*property_function)(const char *, size_t *);
typedef void (*process_info_function)(size_t *, size_t *, size_t *, size_t *, size_t *, size_t *, size_t *, size_t *);

static size_t ask_jemalloc(mallctl_function mallctl, const char *name)
{
    size_t value = 0, bytes = sizeof value;
    return mallctl(name, &value, &bytes, NULL, 0) == 0 ? value : 0;
}

struct c_blocks_truth c_blocks_truth(void)
{
    struct c_blocks_truth truth = {.malloc = "glibc"};
    size_t unused[8] = {0};
    mallctl_function mallctl;
    property_function property;
    process_info_function process_info;
    *(void **)&mallctl = dlsym(RTLD_DEFAULT, "mallctl");
    *(void **)&property = dlsym(RTLD_DEFAULT, "MallocExtension_GetNumericProperty");
    *(void **)&process_info = dlsym(RTLD_DEFAULT, "mi_process_info");
    truth.live = places.large_bytes;
    for (size_t i = 0; i < BLOCKS_MAX; i++)
        truth.live += blocks[i] == NULL ? 0 : malloc_usable_size(blocks[i]);
    if (mallctl != NULL) {
        uint64_t epoch = 1;
        mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
        truth.malloc = "jemalloc";
        truth.allocated = ask_jemalloc(mallctl, "stats.allocated");
        truth.metadata = ask_jemalloc(mallctl, "stats.metadata");
        truth.resident = ask_jemalloc(mallctl, "stats.resident");
    } else if (property != NULL) {
        truth.malloc = "tcmalloc";
        property("generic.current_allocated_bytes", &truth.allocated);
        property("generic.heap_size", &truth.resident);
    } else if (process_info != NULL) {
        truth.malloc = "mimalloc";
        process_info(&unused[0], &unused[1], &unused[2], &unused[3], &unused[4], &truth.committed, &unused[5],
                     &unused[6]);
    }
    return truth;
}
