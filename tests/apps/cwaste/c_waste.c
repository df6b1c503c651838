/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock is held by a signal handler that interrupts mallinfo2, which holds the lock of one arena after the other.
 * Whether one was held at that moment is tried out: another thread does not come back from mallinfo2.
 */
#include "c_waste.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { STEP_BYTES = 16 << 10, SPREAD = 7, BLOCKS_MAX = 1 << 16, TRY_NS = 200 * 1000 * 1000 };

static size_t deep_bytes;
static volatile int deep_tid;
static sem_t is_deep, is_interrupted, go_on, try_it, has_tried;

void c_waste_free(size_t bytes)
{
    static void *blocks[BLOCKS_MAX];
    size_t count = 0;
    for (size_t total = 0; total < bytes && count < BLOCKS_MAX; count++) {
        size_t size = 1500 + count * 613 % 5000;
        blocks[count] = malloc(size);
        if (blocks[count] == NULL)
            abort();
        memset(blocks[count], 1, size);
        total += size;
    }
    for (size_t i = 0; i < count; i++) {
        if (i % 2 == 0 || i % SPREAD == 0)
            free(blocks[i]);
    }
}

static void __attribute__((noinline)) use_stack(size_t bytes)
{
    volatile char step[STEP_BYTES];
    for (size_t i = 0; i < sizeof step; i++)
        step[i] = 1;
    if (bytes > sizeof step)
        use_stack(bytes - sizeof step);
    step[0] = 2;
}

static void *be_deep(void *argument)
{
    prctl(PR_SET_NAME, "deepstack");
    use_stack(deep_bytes);
    deep_tid = gettid();
    sem_post(&is_deep);
    for (;;)
        pause();
    return argument;
}

static void start(void *(*run)(void *), pthread_t *thread)
{
    if (pthread_create(thread, NULL, run, NULL) != 0)
        abort();
}

void c_waste_deep_stack(size_t bytes)
{
    pthread_t thread;
    deep_bytes = bytes;
    sem_init(&is_deep, 0, 0);
    start(be_deep, &thread);
    sem_wait(&is_deep);
}

struct c_waste_truth c_waste_truth(void)
{
    struct mallinfo2 info = mallinfo2();
    return (struct c_waste_truth){info.fordblks, info.fsmblks, deep_bytes, deep_tid};
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

static void on_signal(int number)
{
    int before = errno;
    (void)number;
    sem_post(&is_interrupted);
    wait_for(&go_on);
    errno = before;
}

static void *hold(void *argument)
{
    for (;;)
        mallinfo2();
    return argument;
}

static void *try(void *argument)
{
    for (;;) {
        wait_for(&try_it);
        mallinfo2();
        sem_post(&has_tried);
    }
    return argument;
}

static int is_held(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += TRY_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    sem_post(&try_it);
    for (;;) {
        if (sem_timedwait(&has_tried, &until) == 0)
            return 0;
        if (errno == ETIMEDOUT)
            return 1;
    }
}

void c_waste_hold_lock(void)
{
    pthread_t holder, trier;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
    int number = SIGRTMIN + 6;
    sem_init(&is_interrupted, 0, 0);
    sem_init(&go_on, 0, 0);
    sem_init(&try_it, 0, 0);
    sem_init(&has_tried, 0, 0);
    sigaction(number, &action, NULL);
    start(hold, &holder);
    start(try, &trier);
    for (;;) {
        pthread_kill(holder, number);
        wait_for(&is_interrupted);
        if (is_held())
            return;
        sem_post(&go_on);
    }
}

void c_waste_release_lock(void)
{
    sem_post(&go_on);
    wait_for(&has_tried);
}
