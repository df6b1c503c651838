/* SPDX-License-Identifier: Apache-2.0
 *
 * A C program with a Go runtime in a shared library. Built plainly it loads the library named by its argument with
 * dlopen after the phase "started"; built with LINKED it is linked against it, so the runtime starts before main.
 *
 * Phases: started, full, returned; lines as in internal/talk.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEAP_MEBIBYTES = 32 };

struct library {
    int64_t (*fill_heap)(int64_t mebibytes);
    void (*return_heap)(void);
    void (*heap_truth)(uint64_t *alloc, uint64_t *inuse, uint64_t *released, uint64_t *sys);
};

#ifdef LINKED
int64_t FillHeap(int64_t mebibytes);
void ReturnHeap(void);
void HeapTruth(uint64_t *alloc, uint64_t *inuse, uint64_t *released, uint64_t *sys);

static struct library load(const char *path)
{
    (void)path;
    return (struct library){FillHeap, ReturnHeap, HeapTruth};
}
#else
static void *find(void *handle, const char *name)
{
    void *found = dlsym(handle, name);
    if (found == NULL) {
        fprintf(stderr, "chost: %s\n", dlerror());
        exit(1);
    }
    return found;
}

static struct library load(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fprintf(stderr, "chost: %s\n", dlerror());
        exit(1);
    }
    struct library library;
    *(void **)&library.fill_heap = find(handle, "FillHeap");
    *(void **)&library.return_heap = find(handle, "ReturnHeap");
    *(void **)&library.heap_truth = find(handle, "HeapTruth");
    return library;
}
#endif

static void await_line(void)
{
    int c;
    do {
        c = getchar();
        if (c == EOF)
            exit(0);
    } while (c != '\n');
}

static void reach(const char *phase)
{
    printf("ready %s\n", phase);
    fflush(stdout);
    await_line();
}

static void print_truth(const struct library *library, const char *phase)
{
    uint64_t alloc, inuse, released, sys;
    library->heap_truth(&alloc, &inuse, &released, &sys);
    printf("truth %s heap_alloc=%ju heap_inuse=%ju heap_released=%ju heap_sys=%ju\n", phase, (uintmax_t)alloc,
           (uintmax_t)inuse, (uintmax_t)released, (uintmax_t)sys);
}

int main(int argc, char **argv)
{
    reach("started");
    struct library library = load(argc > 1 ? argv[1] : "libcsharedlib.so");

    if (library.fill_heap(HEAP_MEBIBYTES) <= 0)
        return 1;
    print_truth(&library, "full");
    reach("full");

    library.return_heap();
    print_truth(&library, "returned");
    reach("returned");
    puts("done");
    return 0;
}
