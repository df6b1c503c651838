/* SPDX-License-Identifier: Apache-2.0
 *
 * A client of HTTP/1.0 on 127.0.0.1: one request a connection, whose end is the end of the answer.
 */
#ifndef SUPPORT_HTTP_H
#define SUPPORT_HTTP_H

#include "tests/e2e/support/text.h"

/* A port that was free a moment ago. */
unsigned http_free_port(void);

/* Sends one request with a JSON body (it may be empty) and puts the answer, headers too, into `answer`. Fails the test
 * when it is not 200 OK. */
void http_ask(unsigned port, const char *method, const char *path, const struct text *body, struct text *answer);

/* GET, and where the answer's body begins; valid as long as `answer`. */
const char *http_get(unsigned port, const char *path, struct text *answer);

#endif
