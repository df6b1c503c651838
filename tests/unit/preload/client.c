/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program says and asks: phases are whole, every caller of a dump gets the answer to its own label, requests to
 * come to rest are handed on, and where there is no dumper everything is inert.
 */
#include "preload/client.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/raw.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/watching.h"

static const struct gpw_functions *const functions = &gpw_client_functions;
static struct client *const client = &gpw_shim.client;
static struct gpw_control page;

/* As if the second stage was done, without the thread: a test stands for it. */
static void begin(void)
{
    struct dumper *dumper = &gpw_shim.dumper;
    watching_begin();
    gpw_shim.control.page = &page;
    dumper->asked = &page.asked;
    dumper->pid = (uint32_t)getpid();
    atomic_store(&dumper->is_started, true);
}

TestSuite(client, .init = begin, .timeout = 60);

static void expect_phase(const char *expected)
{
    char phase[GPW_LABEL_BYTES];
    client_phase(client, phase);
    cr_expect_str_eq(phase, expected);
}

/* ---- phases ---- */

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

Test(client, phase_is_what_was_marked_last)
{
    static const char *const CASES[][2] = {
        {"loading", "loading"},
        {"", ""},
        {"x", "x"},
        {NULL, ""},
        {SIXTY "abc", SIXTY "abc"},
        {SIXTY "abcd", SIXTY "abc"},
        {SIXTY SIXTY, SIXTY "012"},
        {SIXTY "a\xc3\xa9", SIXTY "a\xc3\xa9"},
        {SIXTY "ab\xc3\xa9", SIXTY "ab"},                      /* 64 bytes: the last character goes as a whole */
        {SIXTY "\xf0\x9f\x8c\xb1", SIXTY},                     /* likewise */
        {SIXTY "\xe2\x82\xac and more", SIXTY "\xe2\x82\xac"}, /* it ends where the cut is */
    };
    expect_phase("");
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
            errno = ENOTTY;
            cr_expect_eq(functions->mark(CASES[i][0]), 0);
            cr_expect_eq(errno, ENOTTY);
            expect_phase(CASES[i][1]);
        }
    }
}

Test(client, text_of_continuation_bytes_alone_is_cut_to_nothing)
{
    char text[200];
    memset(text, 0x80, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_expect_eq(functions->mark(text), 0);
    expect_phase("");
}

enum { MARKERS = 4, READS = 300000 };

static _Atomic bool is_over;

static void *mark_on(void *argument)
{
    struct random random = {(uint64_t)(uintptr_t)argument};
    char text[GPW_LABEL_BYTES];
    while (!atomic_load(&is_over)) {
        memset(text, (int)('a' + random_below(&random, 26)), sizeof text - 1);
        text[1 + random_below(&random, sizeof text - 2)] = '\0';
        functions->mark(text);
    }
    return argument;
}

/* Of one letter each, so that a mix of two shows. */
Test(client, phases_from_many_threads_are_whole)
{
    pthread_t threads[MARKERS];
    char phase[GPW_LABEL_BYTES], letters[2] = "", seen = 0;
    unsigned changes = 0;
    functions->mark("a");
    for (uintptr_t i = 0; i < MARKERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, mark_on, (void *)(i + 1)), 0);
    for (int i = 0; i < READS || changes < 100; i++) {
        client_phase(client, phase);
        letters[0] = phase[0];
        cr_assert_eq(strspn(phase, letters), strlen(phase), "a mix: %s", phase);
        cr_assert_gt(strlen(phase), 0u);
        changes += phase[0] != seen;
        seen = phase[0];
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < MARKERS; i++)
        pthread_join(threads[i], NULL);
}

/* ---- dumps ---- */

enum { CALLERS = 8, CALLS = 300 };

static unsigned served[CALLERS][CALLS];

static int error_of(unsigned caller, unsigned call)
{
    return (caller + call) % 3 == 0 ? -ENOSPC : 0;
}

/* Stands for the dumper: one caller at a time, as it wakes up. */
static void *serve_all(void *argument)
{
    unsigned caller, call;
    for (unsigned i = 0; i < CALLERS * CALLS; i++) {
        uint32_t asked = atomic_load(&page.asked);
        while (!client_is_asked(client)) {
            raw_syscall6(SYS_futex, (long)&page.asked, FUTEX_WAIT, (long)asked, 0, 0, 0);
            asked = atomic_load(&page.asked);
        }
        if (sscanf(client->label, "%u.%u", &caller, &call) != 2 || caller >= CALLERS || call >= CALLS)
            abort();
        served[caller][call]++;
        client_answer(client, error_of(caller, call));
    }
    return argument;
}

static void *call_often(void *argument)
{
    unsigned caller = (unsigned)(uintptr_t)argument;
    uintptr_t wrong = 0;
    for (unsigned i = 0; i < CALLS; i++) {
        char label[32];
        snprintf(label, sizeof label, "%u.%u", caller, i);
        errno = ENOTTY;
        wrong += functions->dump(label) != (error_of(caller, i) == 0 ? 0 : -1);
        wrong += errno != ENOTTY;
    }
    return (void *)wrong;
}

Test(client, every_caller_gets_the_answer_to_its_own_label)
{
    pthread_t dumper, callers[CALLERS];
    void *wrong;
    cr_assert_eq(pthread_create(&dumper, NULL, serve_all, NULL), 0);
    for (uintptr_t i = 0; i < CALLERS; i++)
        cr_assert_eq(pthread_create(&callers[i], NULL, call_often, (void *)i), 0);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i], &wrong);
        cr_expect_eq((uintptr_t)wrong, 0u);
    }
    pthread_join(dumper, NULL);
    for (int i = 0; i < CALLERS * CALLS; i++)
        cr_assert_eq(served[i / CALLS][i % CALLS], 1u);
}

/* ---- coming to rest ---- */

/* Whoever asks: harness/control_page.c. */
static void ask_to_settle(uint32_t number)
{
    atomic_store(&page.settle_asked, number);
    raw_syscall6(SYS_futex, (long)&page.settle_asked, FUTEX_WAKE, 1, 0, 0, 0);
}

static void await_value(_Atomic uint32_t *word, uint32_t wanted)
{
    while (atomic_load(word) != wanted)
        sched_yield();
}

enum { LAST_REQUEST = 7 };

static void *serve_settle(void *argument)
{
    uint32_t *served_requests = argument;
    for (unsigned n = functions->settle_await(0); n != LAST_REQUEST; n = functions->settle_await(n)) {
        if (n == 0 || n > LAST_REQUEST)
            return NULL;
        served_requests[n]++;
    }
    return argument;
}

Test(client, requests_to_settle_are_served_in_turn_and_reported)
{
    pthread_t thread;
    uint32_t served_requests[LAST_REQUEST + 1] = {0};
    void *end;
    cr_assert_eq(pthread_create(&thread, NULL, serve_settle, served_requests), 0);
    for (uint32_t i = 1; i < LAST_REQUEST; i++) {
        await_value(&page.settle_listening, 1);
        ask_to_settle(i);
        await_value(&page.settle_done, i);
    }
    await_value(&page.settle_listening, 1);
    ask_to_settle(LAST_REQUEST);
    pthread_join(thread, &end);
    cr_expect_not_null(end);
    cr_expect_eq(atomic_load(&page.settle_done), LAST_REQUEST - 1u, "nobody reported the last");
    cr_expect_eq(atomic_load(&page.settle_listening), 0u);
    for (int i = 1; i < LAST_REQUEST; i++)
        cr_expect_eq(served_requests[i], 1u);
}

Test(client, request_that_nobody_has_served_is_handed_to_who_comes_next)
{
    atomic_store(&page.settle_asked, 5);
    atomic_store(&page.settle_done, 4);
    cr_expect_eq(functions->settle_await(0), 5u);
    cr_expect_eq(functions->settle_await(3), 5u, "an older one is no news");
    cr_expect_eq(atomic_load(&page.settle_done), 4u);
    atomic_store(&page.settle_asked, 6);
    cr_expect_eq(functions->settle_await(5), 6u);
    cr_expect_eq(atomic_load(&page.settle_done), 5u);
    atomic_store(&page.settle_asked, 1); /* past the end of the numbers, without 0 */
    atomic_store(&page.settle_done, UINT32_MAX);
    cr_expect_eq(functions->settle_await(0), 1u);
    atomic_store(&page.settle_asked, 2);
    cr_expect_eq(functions->settle_await(1), 2u);
    cr_expect_eq(atomic_load(&page.settle_done), 1u);
}

/* ---- inert ---- */

static void expect_inert(const char *where)
{
    errno = ENOTTY;
    cr_expect_eq(functions->active(), 0, "%s", where);
    cr_expect_eq(functions->mark("marked"), -1, "%s", where);
    cr_expect_eq(functions->dump("asked"), -1, "%s", where);
    cr_expect_eq(functions->settle_await(0), 0u, "%s", where);
    cr_expect_eq(errno, ENOTTY, "%s", where);
    expect_phase("");
    cr_expect_eq(atomic_load(&page.asked), 0u, "%s", where);
}

Test(client, nothing_happens_where_no_dumper_is)
{
    static const int STATES[] = {SHIM_IDLE, SHIM_OPENING, SHIM_OFF};
    cr_expect_eq(functions->active(), 1);
    for (unsigned i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        atomic_store(&gpw_shim.state, STATES[i]);
        expect_inert("another state");
    }
    atomic_store(&gpw_shim.state, SHIM_WATCHING);
    gpw_shim.dumper.pid++;
    expect_inert("a child of a bare fork");
    gpw_shim.dumper.pid--;
    atomic_store(&gpw_shim.dumper.is_started, false);
    expect_inert("no thread could be started");
}

/* No memfd: dumps are made, but nobody can ask for rest. */
Test(client, without_a_page_nobody_can_ask_for_rest)
{
    gpw_shim.control.page = NULL;
    cr_expect_eq(functions->active(), 1);
    cr_expect_eq(functions->settle_await(0), 0u);
}
