/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages are JSON texts with a zero byte behind each: Chromium reads commands from descriptor 3 and writes answers
 * and events to descriptor 4 (--remote-debugging-pipe). An answer has the number of its command; everything else is an
 * event and noted when it comes, while an answer is waited for.
 */
#include "tests/e2e/support/browser.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

enum { COMMANDS_DESCRIPTOR = 3, ANSWERS_DESCRIPTOR = 4, READ_BYTES = 65536 };

struct browser {
    struct temp_dir profile;
    struct program *program;
    int commands, answers; /* our ends */
    struct text received;  /* and not yet looked at */
    int last_number;
    char *session; /* of the one page; NULL: not open yet */
    bool is_loaded;
    struct text complaints, requests;
};

/* ---- events ---- */

static void note(struct text *lines, const char *line)
{
    text_append(lines, line, strlen(line));
    text_append(lines, "\n", 1);
}

static void note_json(struct text *lines, const json_t *value)
{
    char *line = json_dumps(value, JSON_COMPACT);
    note(lines, line);
    free(line);
}

static void hear(struct browser *browser, const json_t *event)
{
    const char *method = json_string_value(json_object_get(event, "method"));
    const json_t *parameters = json_object_get(event, "params");
    if (method == NULL)
        fail("the browser says neither answer nor event");
    if (strcmp(method, "Page.loadEventFired") == 0)
        browser->is_loaded = true;
    else if (strcmp(method, "Runtime.consoleAPICalled") == 0 || strcmp(method, "Runtime.exceptionThrown") == 0 ||
             strcmp(method, "Log.entryAdded") == 0)
        note_json(&browser->complaints, parameters);
    else if (strcmp(method, "Network.requestWillBeSent") == 0)
        note(&browser->requests, json_string_value(json_object_get(json_object_get(parameters, "request"), "url")));
}

/* ---- messages ---- */

static json_t *take_message(struct browser *browser)
{
    struct text *received = &browser->received;
    const char *end = received->length == 0 ? NULL : memchr(received->bytes, '\0', received->length);
    if (end == NULL)
        return NULL;
    size_t length = (size_t)(end - received->bytes);
    json_error_t error;
    json_t *message = json_loadb(received->bytes, length, 0, &error);
    if (message == NULL)
        fail("the browser's message is no JSON: %s: %.200s", error.text, received->bytes);
    received->length -= length + 1;
    memmove(received->bytes, end + 1, received->length);
    return message;
}

static json_t *await_message(struct browser *browser)
{
    json_t *message;
    char piece[READ_BYTES];
    while ((message = take_message(browser)) == NULL) {
        program_await_readable(browser->program, browser->answers, "an answer of the browser");
        ssize_t got = read(browser->answers, piece, sizeof piece);
        must(got > 0 || (got < 0 && errno == EINTR), "the browser's answer");
        if (got > 0)
            text_append(&browser->received, piece, (size_t)got);
    }
    return message;
}

static void send_command(struct browser *browser, const char *method, json_t *parameters)
{
    json_t *command = json_pack("{s:i,s:s,s:o}", "id", ++browser->last_number, "method", method, "params", parameters);
    if (browser->session != NULL)
        json_object_set_new(command, "sessionId", json_string(browser->session));
    char *text = json_dumps(command, JSON_COMPACT);
    size_t length = strlen(text) + 1;
    must(write(browser->commands, text, length) == (ssize_t)length, "a command to the browser");
    free(text);
    json_decref(command);
}

/* Sends a command and waits for its result, for json_decref. Takes `parameters`. */
static json_t *command(struct browser *browser, const char *method, json_t *parameters)
{
    send_command(browser, method, parameters);
    for (;;) {
        json_t *message = await_message(browser);
        if (json_integer_value(json_object_get(message, "id")) == browser->last_number) {
            json_t *result = json_incref(json_object_get(message, "result"));
            if (result == NULL) {
                char *text = json_dumps(message, JSON_COMPACT);
                fail("the browser refuses %s: %s", method, text);
            }
            json_decref(message);
            return result;
        }
        hear(browser, message);
        json_decref(message);
    }
}

static void tell(struct browser *browser, const char *method, json_t *parameters)
{
    json_decref(command(browser, method, parameters));
}

/* ---- start and end ---- */

/* Ends of the pipes that the child is to have; set right before it is made. */
static int child_commands, child_answers;

static void hand_over_pipes(void)
{
    dup2(child_commands, COMMANDS_DESCRIPTOR);
    dup2(child_answers, ANSWERS_DESCRIPTOR);
}

/* A pipe whose ends are not where the child's will be. */
static void make_pipe(int ends[2])
{
    must(pipe2(ends, O_CLOEXEC) == 0, "a pipe to the browser");
    for (int i = 0; i < 2; i++) {
        int low = ends[i];
        ends[i] = fcntl(low, F_DUPFD_CLOEXEC, ANSWERS_DESCRIPTOR + 1);
        must(ends[i] >= 0, "a pipe to the browser");
        close(low);
    }
}

static void start_program(struct browser *browser)
{
    char profile[192], home[160];
    int commands[2], answers[2];
    snprintf(profile, sizeof profile, "--user-data-dir=%s", browser->profile.path);
    snprintf(home, sizeof home, "HOME=%s", browser->profile.path);
    make_pipe(commands);
    make_pipe(answers);
    child_commands = commands[0];
    child_answers = answers[1];
    struct program_setup setup = {
        /* Nothing but the page under test shall be able to ask for anything; no name leads anywhere. */
        .arguments = (const char *[]){"chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                                      "--no-first-run", "--disable-background-networking", "--disable-component-update",
                                      "--disable-sync", "--log-level=3", "--disable-dev-shm-usage", "--hide-scrollbars",
                                      "--host-resolver-rules=MAP * ~NOTFOUND", profile, "--remote-debugging-pipe",
                                      "about:blank", NULL},
        .environment = (const char *[]){home, NULL},
        .before_exec = hand_over_pipes,
    };
    browser->program = program_start(&setup);
    close(commands[0]);
    close(answers[1]);
    browser->commands = commands[1];
    browser->answers = answers[0];
}

struct browser *browser_start(void)
{
    static const char *const DOMAINS[] = {"Page.enable", "Runtime.enable", "Log.enable", "Network.enable"};
    struct browser *browser = calloc(1, sizeof *browser);
    must(browser != NULL, "browser");
    browser->profile = temp_dir_make();
    start_program(browser);
    json_t *target = command(browser, "Target.createTarget", json_pack("{s:s}", "url", "about:blank"));
    json_t *attached = command(browser, "Target.attachToTarget",
                               json_pack("{s:O,s:b}", "targetId", json_object_get(target, "targetId"), "flatten", 1));
    browser->session = strdup(json_string_value(json_object_get(attached, "sessionId")));
    json_decref(target);
    json_decref(attached);
    for (size_t i = 0; i < sizeof DOMAINS / sizeof DOMAINS[0]; i++)
        tell(browser, DOMAINS[i], json_object());
    return browser;
}

void browser_end(struct browser *browser)
{
    close(browser->commands);
    close(browser->answers);
    program_free(browser->program);
    temp_dir_remove(&browser->profile);
    text_free(&browser->received);
    text_free(&browser->complaints);
    text_free(&browser->requests);
    free(browser->session);
    free(browser);
}

/* ---- the page ---- */

void browser_set_window(struct browser *browser, unsigned width, unsigned height, bool is_dark)
{
    tell(browser, "Emulation.setDeviceMetricsOverride",
         json_pack("{s:i,s:i,s:i,s:b}", "width", (int)width, "height", (int)height, "deviceScaleFactor", 1, "mobile",
                   0));
    tell(browser, "Emulation.setEmulatedMedia",
         json_pack("{s:[{s:s,s:s}]}", "features", "name", "prefers-color-scheme", "value", is_dark ? "dark" : "light"));
}

void browser_open(struct browser *browser, const char *path)
{
    char address[4096 + 16];
    snprintf(address, sizeof address, "file://%s", path);
    browser->complaints.length = browser->requests.length = 0;
    text_append(&browser->complaints, "", 0);
    text_append(&browser->requests, "", 0);
    browser->is_loaded = false;
    tell(browser, "Page.navigate", json_pack("{s:s}", "url", address));
    while (!browser->is_loaded) {
        json_t *event = await_message(browser);
        hear(browser, event);
        json_decref(event);
    }
}

json_t *browser_evaluate(struct browser *browser, const char *expression)
{
    json_t *result =
        command(browser, "Runtime.evaluate",
                json_pack("{s:s,s:b,s:b}", "expression", expression, "awaitPromise", 1, "returnByValue", 1));
    if (json_object_get(result, "exceptionDetails") != NULL) {
        char *text = json_dumps(json_object_get(result, "exceptionDetails"), JSON_COMPACT);
        fail("%s: %s", expression, text);
    }
    json_t *value = json_incref(json_object_get(json_object_get(result, "result"), "value"));
    json_decref(result);
    return value;
}

char *browser_text(struct browser *browser, const char *expression)
{
    json_t *value = browser_evaluate(browser, expression);
    if (!json_is_string(value))
        fail("%s is no text", expression);
    char *text = strdup(json_string_value(value));
    json_decref(value);
    return text;
}

double browser_number(struct browser *browser, const char *expression)
{
    json_t *value = browser_evaluate(browser, expression);
    if (!json_is_number(value))
        fail("%s is no number", expression);
    double number = json_number_value(value);
    json_decref(value);
    return number;
}

void browser_move_pointer(struct browser *browser, double x, double y)
{
    tell(browser, "Input.dispatchMouseEvent", json_pack("{s:s,s:f,s:f}", "type", "mouseMoved", "x", x, "y", y));
}

void browser_press(struct browser *browser, const char *key)
{
    tell(browser, "Input.dispatchKeyEvent", json_pack("{s:s,s:s}", "type", "keyDown", "key", key));
    tell(browser, "Input.dispatchKeyEvent", json_pack("{s:s,s:s}", "type", "keyUp", "key", key));
}

/* ---- pictures ---- */

static int base64_value(char letter)
{
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = letter == '\0' ? NULL : strchr(LETTERS, letter);
    return found == NULL ? -1 : (int)(found - LETTERS);
}

static void write_base64(const char *text, const char *path)
{
    FILE *file = fopen(path, "we");
    must(file != NULL, "%s", path);
    unsigned bits = 0, bits_count = 0;
    for (int value; (value = base64_value(*text)) >= 0; text++) {
        bits = bits << 6 | (unsigned)value;
        bits_count += 6;
        if (bits_count >= 8) {
            bits_count -= 8;
            fputc((int)(bits >> bits_count & 0xff), file);
        }
    }
    must(fclose(file) == 0, "%s", path);
}

void browser_screenshot(struct browser *browser, const char *path)
{
    json_decref(
        browser_evaluate(browser, "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"));
    json_t *metrics = command(browser, "Page.getLayoutMetrics", json_object());
    const json_t *size = json_object_get(metrics, "cssContentSize");
    json_t *shot = command(browser, "Page.captureScreenshot",
                           json_pack("{s:s,s:b,s:{s:i,s:i,s:O,s:O,s:i}}", "format", "png", "captureBeyondViewport", 1,
                                     "clip", "x", 0, "y", 0, "width", json_object_get(size, "width"), "height",
                                     json_object_get(size, "height"), "scale", 1));
    write_base64(json_string_value(json_object_get(shot, "data")), path);
    json_decref(metrics);
    json_decref(shot);
}

const char *browser_complaints(struct browser *browser)
{
    return text_string(&browser->complaints);
}

const char *browser_requests(struct browser *browser)
{
    return text_string(&browser->requests);
}
