/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of include/gopagewatch.h, on the program's threads, and what the dumper takes from them.
 */
#include "preload/client.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <string.h>

#include "memory/raw.h"
#include "preload/shim.h"

enum { LOCK_FREE, LOCK_TAKEN, LOCK_AWAITED };
enum { REQUEST_FREE, REQUEST_ASKED, REQUEST_ANSWERED };

/* More marks than the ring is long would have to be made during each of so many short copies. */
enum { READS_MAX = 1000 };

/* ---- taking turns ---- */

static void wait_while(_Atomic uint32_t *word, uint32_t value)
{
    raw_syscall6(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, (long)value, 0, 0, 0);
}

static void wake(_Atomic uint32_t *word, int count)
{
    raw_syscall6(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, count, 0, 0, 0);
}

static void lock(_Atomic uint32_t *word)
{
    uint32_t seen = LOCK_FREE;
    if (atomic_compare_exchange_strong_explicit(word, &seen, LOCK_TAKEN, memory_order_acquire, memory_order_relaxed))
        return;
    while (atomic_exchange_explicit(word, LOCK_AWAITED, memory_order_acquire) != LOCK_FREE)
        wait_while(word, LOCK_AWAITED);
}

static void unlock(_Atomic uint32_t *word)
{
    if (atomic_exchange_explicit(word, LOCK_FREE, memory_order_release) == LOCK_AWAITED)
        wake(word, 1);
}

/* ---- texts ---- */

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The rest of `to` is zeros. What is too long is cut between two characters of UTF-8. */
static void copy_label(char to[GPW_LABEL_BYTES], const char *from)
{
    uint64_t bytes = from == NULL ? 0 : strnlen(from, GPW_LABEL_BYTES);
    if (bytes == GPW_LABEL_BYTES) {
        bytes--;
        while (bytes > 0 && continues_character(from[bytes]))
            bytes--;
    }
    memset(to, 0, GPW_LABEL_BYTES);
    memcpy(to, from == NULL ? "" : from, bytes);
}

static void put_mark(struct client *client, const char *phase)
{
    char text[GPW_LABEL_BYTES];
    uint64_t words[PHASE_WORDS];
    copy_label(text, phase);
    memcpy(words, text, sizeof words);
    lock(&client->mark_lock);
    uint32_t number = atomic_load_explicit(&client->marks_made, memory_order_relaxed) + 1;
    /* Whoever reads a word of this mark sees that the ring has gone round. */
    atomic_thread_fence(memory_order_release);
    for (int i = 0; i < PHASE_WORDS; i++)
        atomic_store_explicit(&client->marks[number % MARKS_COUNT][i], words[i], memory_order_relaxed);
    atomic_store_explicit(&client->marks_made, number, memory_order_release);
    unlock(&client->mark_lock);
}

void client_phase(struct client *client, char phase[GPW_LABEL_BYTES])
{
    uint64_t words[PHASE_WORDS];
    for (int tries = 0; tries < READS_MAX; tries++) {
        uint32_t number = atomic_load_explicit(&client->marks_made, memory_order_acquire);
        for (int i = 0; i < PHASE_WORDS; i++)
            words[i] = atomic_load_explicit(&client->marks[number % MARKS_COUNT][i], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        uint32_t since = atomic_load_explicit(&client->marks_made, memory_order_relaxed) - number;
        /* One more may be half made, in the place behind the last. */
        if (since < MARKS_COUNT - 1) {
            memcpy(phase, words, GPW_LABEL_BYTES);
            return;
        }
    }
    phase[0] = '\0';
}

/* ---- dumps ---- */

bool client_is_asked(const struct client *client)
{
    return atomic_load_explicit(&client->request, memory_order_acquire) == REQUEST_ASKED;
}

void client_answer(struct client *client, int error)
{
    client->error = error;
    atomic_store_explicit(&client->request, REQUEST_ANSWERED, memory_order_release);
    wake(&client->request, 1);
}

static int ask_and_wait(struct shim *shim, const char *label)
{
    struct client *client = &shim->client;
    lock(&client->dump_lock);
    copy_label(client->label, label);
    atomic_store_explicit(&client->request, REQUEST_ASKED, memory_order_release);
    dumper_ask(&shim->dumper, REASON_PROGRAM);
    while (client_is_asked(client))
        wait_while(&client->request, REQUEST_ASKED);
    int error = client->error;
    atomic_store_explicit(&client->request, REQUEST_FREE, memory_order_relaxed);
    unlock(&client->dump_lock);
    return error;
}

/* ---- what is handed out ---- */

static int active(void)
{
    const struct shim *shim = &gpw_shim;
    return atomic_load_explicit(&shim->state, memory_order_acquire) == SHIM_WATCHING && dumper_is_here(&shim->dumper);
}

static int mark(const char *phase)
{
    if (!active())
        return -1;
    put_mark(&gpw_shim.client, phase);
    return 0;
}

static int dump(const char *label)
{
    return active() && ask_and_wait(&gpw_shim, label) == 0 ? 0 : -1;
}

static unsigned settle_await(unsigned done)
{
    return active() && gpw_shim.control.page != NULL ? control_settle_await(gpw_shim.control.page, done) : 0;
}

const struct gpw_functions gpw_client_functions = {active, mark, dump, settle_await};
