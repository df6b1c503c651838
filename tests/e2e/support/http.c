/* SPDX-License-Identifier: Apache-2.0
 *
 * As little HTTP as tests need.
 */
#include "tests/e2e/support/http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/support/fail.h"

static struct sockaddr_in loopback(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Below those that the kernel gives to clients, and not where another test begins to look. */
unsigned http_free_port(void)
{
    enum { FIRST = 10000, COUNT = 20000, STRIDE = 7 };
    static unsigned tried;
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned port = FIRST + ((unsigned)getpid() * STRIDE + tried++) % COUNT;
        struct sockaddr_in address = loopback(port);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (is_free)
            return port;
    }
    fail("no free port");
}

static void send_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        must(sent > 0, "HTTP request");
        bytes += sent;
        count -= (size_t)sent;
    }
}

void http_ask(unsigned port, const char *method, const char *path, const struct text *body, struct text *answer)
{
    char head[512], piece[16384];
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connection to port %u", port);
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
        fail("the answer of port %u to %s: %.200s", port, path, text_string(answer));
}

const char *http_get(unsigned port, const char *path, struct text *answer)
{
    http_ask(port, "GET", path, &(struct text){0}, answer);
    const char *body = strstr(text_string(answer), "\r\n\r\n");
    if (body == NULL)
        fail("the answer of port %u to %s has no end of its head", port, path);
    return body + 4;
}
