/* SPDX-License-Identifier: Apache-2.0
 *
 * etcd under load, by HTTP.
 */
#include "tests/e2e/etcd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/http.h"
#include "tests/e2e/support/text.h"

struct etcd {
    struct watched *watched;
    struct temp_dir data;
    unsigned port;
};

struct etcd *etcd_start(enum etcd_way way)
{
    struct etcd *etcd = calloc(1, sizeof *etcd);
    must(etcd != NULL, "etcd");
    etcd->data = temp_dir_make();
    etcd->port = http_free_port();
    char client[64], peer[64], cluster[96];
    snprintf(client, sizeof client, "http://127.0.0.1:%u", etcd->port);
    snprintf(peer, sizeof peer, "http://127.0.0.1:%u", http_free_port());
    snprintf(cluster, sizeof cluster, "default=%s", peer);
    const char *const arguments[] = {built_path("gopagewatch"),
                                     "run",
                                     "--",
                                     built_path("etcd/usr/bin/etcd"),
                                     "--data-dir",
                                     etcd->data.path,
                                     "--listen-client-urls",
                                     client,
                                     "--advertise-client-urls",
                                     client,
                                     "--listen-peer-urls",
                                     peer,
                                     "--initial-advertise-peer-urls",
                                     peer,
                                     "--initial-cluster",
                                     cluster,
                                     "--unsafe-no-fsync",
                                     "--enable-pprof",
                                     NULL};
    struct program_setup setup = {.arguments = way == ETCD_BY_RUN ? arguments : arguments + 3};
    etcd->watched = watched_start(&setup);
    program_await_error(etcd->watched->program, "client requests");
    return etcd;
}

struct watched *etcd_watched(struct etcd *etcd)
{
    return etcd->watched;
}

static void ask(const struct etcd *etcd, const char *method, const char *path, const struct text *body,
                struct text *answer)
{
    http_ask(etcd->port, method, path, body, answer);
}

static void post(const struct etcd *etcd, const char *path, const struct text *body, struct text *answer)
{
    ask(etcd, "POST", path, body, answer);
}

void etcd_collect_garbage(struct etcd *etcd)
{
    struct text body = {0}, answer = {0};
    ask(etcd, "GET", "/debug/pprof/heap?gc=1", &body, &answer);
    text_free(&answer);
}

/* A line "go_memstats_alloc_bytes 2.4698048e+07"; those that begin with # explain. */
static double metric(const char *answer, const char *name)
{
    char line[96];
    int length = snprintf(line, sizeof line, "\ngo_memstats_%s ", name);
    const char *found = strstr(answer, line);
    if (found == NULL)
        fail("etcd has no metric go_memstats_%s", name);
    return strtod(found + length, NULL);
}

struct etcd_memstats etcd_memstats(struct etcd *etcd)
{
    struct text body = {0}, answer = {0};
    ask(etcd, "GET", "/debug/pprof/heap?debug=1", &body, &answer);
    ask(etcd, "GET", "/metrics", &body, &answer);
    const char *text = text_string(&answer);
    struct etcd_memstats memstats = {
        .alloc = metric(text, "heap_alloc_bytes"),
        .inuse = metric(text, "heap_inuse_bytes"),
        .idle = metric(text, "heap_idle_bytes"),
        .released = metric(text, "heap_released_bytes"),
        .sys = metric(text, "heap_sys_bytes"),
        .stack_inuse = metric(text, "stack_inuse_bytes"),
        .objects = metric(text, "heap_objects"),
        .next_gc = metric(text, "next_gc_bytes"),
    };
    text_free(&answer);
    return memstats;
}

static void append_text(struct text *text, const char *more)
{
    text_append(text, more, strlen(more));
}

/* Base64 of its own kind: any letters are a value; every key is another. 4 letters are 3 bytes. */
static void append_letters(struct text *text, unsigned seed, uint64_t letters)
{
    for (uint64_t i = 0; i < letters; i++) {
        seed = seed * 1103515245u + 12345u;
        char letter = (char)('A' + (seed >> 16) % 26);
        text_append(text, &letter, 1);
    }
}

void etcd_put_and_get(struct etcd *etcd, int round, int count, uint64_t value_bytes)
{
    struct text body = {0}, answer = {0}, value = {0};
    uint64_t letters = value_bytes / 3 * 4;
    for (int i = 0; i < count; i++) {
        unsigned seed = (unsigned)(round * 100003 + i);
        value.length = body.length = 0;
        append_text(&value, "\"value\":\"");
        append_letters(&value, seed, letters);
        append_text(&value, "\"");

        append_text(&body, "{\"key\":\"");
        append_letters(&body, seed ^ 0x5555u, 16);
        append_text(&body, "\",");
        append_text(&body, text_string(&value));
        append_text(&body, "}");
        post(etcd, "/v3/kv/put", &body, &answer);

        body.length = 0;
        append_text(&body, "{\"key\":\"");
        append_letters(&body, seed ^ 0x5555u, 16);
        append_text(&body, "\"}");
        post(etcd, "/v3/kv/range", &body, &answer);
        if (strstr(text_string(&answer), text_string(&value)) == NULL)
            fail("etcd does not give back what was put");
    }
    text_free(&body);
    text_free(&answer);
    text_free(&value);
}

void etcd_stop(struct etcd *etcd)
{
    program_signal(etcd->watched->program, SIGTERM);
    program_await_end(etcd->watched->program);
    watched_end(etcd->watched);
    temp_dir_remove(&etcd->data);
    free(etcd);
}
