/* SPDX-License-Identifier: Apache-2.0
 *
 * etcd under load, by HTTP/1.0: one request a connection, whose end is the end of the answer.
 */
#include "tests/e2e/etcd.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/text.h"

struct etcd {
    struct watched *watched;
    struct temp_dir data;
    unsigned port;
};

static struct sockaddr_in loopback(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
             getsockname(fd, (struct sockaddr *)&address, &bytes) == 0,
         "a free port");
    close(fd);
    return ntohs(address.sin_port);
}

struct etcd *etcd_start(enum etcd_way way)
{
    struct etcd *etcd = calloc(1, sizeof *etcd);
    must(etcd != NULL, "etcd");
    etcd->data = temp_dir_make();
    etcd->port = free_port();
    char client[64], peer[64], cluster[96];
    snprintf(client, sizeof client, "http://127.0.0.1:%u", etcd->port);
    snprintf(peer, sizeof peer, "http://127.0.0.1:%u", free_port());
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

static void send_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        must(sent > 0, "request to etcd");
        bytes += sent;
        count -= (size_t)sent;
    }
}

/* Sends one request and appends the answer, headers too. */
static void ask(const struct etcd *etcd, const char *method, const char *path, const struct text *body,
                struct text *answer)
{
    char head[256], piece[16384];
    struct sockaddr_in address = loopback(etcd->port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connection to etcd");
    snprintf(head, sizeof head, "%s %s HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             method, path, body->length);
    send_all(fd, head, strlen(head));
    send_all(fd, text_string(body), body->length);
    ssize_t got;
    answer->length = 0;
    text_append(answer, "", 0);
    while ((got = recv(fd, piece, sizeof piece, 0)) > 0)
        text_append(answer, piece, (size_t)got);
    close(fd);
    if (strstr(text_string(answer), " 200 OK") == NULL)
        fail("etcd answers to %s: %.200s", path, text_string(answer));
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
