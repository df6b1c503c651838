/* SPDX-License-Identifier: Apache-2.0
 *
 * mmap in a loop.
 */
#include "c_storm.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

long c_storm_map(size_t bytes, int times)
{
    long took_ns = 0;
    for (int i = 0; i < times; i++) {
        long begin_ns = now_ns();
        char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        took_ns += now_ns() - begin_ns;
        if (memory == MAP_FAILED)
            abort();
        memory[0] = 1;
        munmap(memory, bytes);
    }
    return took_ns;
}
