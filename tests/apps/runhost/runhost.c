/* SPDX-License-Identifier: Apache-2.0
 *
 * A C program that loads the shared library named by its argument and calls its function Run.
 */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    void *handle = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void (*run)(void) = NULL;
    if (handle != NULL)
        *(void **)&run = dlsym(handle, "Run");
    if (run == NULL) {
        fprintf(stderr, "runhost: %s\n", argc > 1 ? dlerror() : "which library?");
        return 1;
    }
    run();
    return 0;
}
