/* SPDX-License-Identifier: Apache-2.0
 *
 * malloc and pthread stacks.
 */
#include "c_planted.h"

#include <alloca.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 4096, STACK_BYTES = 8 << 20, PAGE_BYTES = 4096 };

static void *volatile kept; /* a chain: each block holds the address of the one before */

void c_planted_heap(size_t bytes)
{
    for (size_t done = 0; done < bytes; done += BLOCK_BYTES) {
        void **block = malloc(BLOCK_BYTES);
        if (block == NULL)
            abort();
        memset(block, 1, BLOCK_BYTES);
        *block = kept;
        kept = block;
    }
}

static sem_t filled;

static void *fill_and_sleep(void *bytes)
{
    size_t rest = *(size_t *)bytes;
    volatile char *stack = alloca(rest);
    for (size_t at = 0; at < rest; at += PAGE_BYTES)
        stack[at] = 1;
    sem_post(&filled);
    for (;;)
        pause();
    return NULL;
}

void c_planted_stacks(unsigned count, size_t bytes)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sem_init(&filled, 0, 0);
    for (unsigned i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, fill_and_sleep, &bytes) != 0)
            abort();
    }
    for (unsigned i = 0; i < count; i++) {
        while (sem_wait(&filled) != 0)
            continue;
    }
    pthread_attr_destroy(&attributes);
}
