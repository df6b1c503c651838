/* SPDX-License-Identifier: Apache-2.0
 *
 * `report` and `diff` on a terminal: colours and blocks as the terminal and its user want them, and no line that is
 * wider than it is.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/text.h"

/* What the command writes to a terminal of that width, with this environment ("NAME=value", NULL at the end). */
static struct text on_terminal(unsigned short columns, const char *const *environment, const char *const *arguments)
{
    struct winsize size = {.ws_row = 50, .ws_col = columns};
    struct text text = {0};
    const char *all[8] = {built_path("gopagewatch")};
    int terminal, status;
    for (size_t i = 0; arguments[i] != NULL; i++)
        all[i + 1] = arguments[i];
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    must(child >= 0, "forkpty");
    if (child == 0) {
        execve(all[0], (char *const *)all, (char *const *)environment);
        _exit(127);
    }
    char piece[4096];
    ssize_t got;
    while ((got = read(terminal, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0)
            text_append(&text, piece, (size_t)got);
    }
    close(terminal);
    must(waitpid(child, &status, 0) == child, "waitpid");
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", text_string(&text));
    return text;
}

/* Of the widest line but the first, which is the path: characters outside of escape sequences. */
static unsigned widest(const char *text)
{
    unsigned columns = 0, widest_columns = 0;
    for (const char *at = strchr(text, '\n') + 1; *at != '\0'; at++) {
        if (*at == '\033')
            at += strcspn(at, "m");
        else if (*at == '\n')
            columns = 0;
        else if (*at != '\r' && ((unsigned char)*at & 0xc0) != 0x80)
            columns++;
        widest_columns = columns > widest_columns ? columns : widest_columns;
    }
    return widest_columns;
}

static const struct {
    unsigned short columns;
    const char *environment[4];
    bool has_colour, has_unicode;
} CASES[] = {
    {80, {"TERM=xterm", "LANG=C.UTF-8"}, true, true},
    {140, {"TERM=xterm", "LANG=C.UTF-8"}, true, true},
    {100, {"TERM=xterm", "LANG=C"}, true, false},
    {80, {"TERM=xterm", "LANG=C.UTF-8", "NO_COLOR=1"}, false, true},
    {80, {"TERM=dumb"}, false, false},
};

static const char FULL_BLOCK[] = "█";

Test(report_terminal, look_follows_the_terminal, .timeout = 180)
{
    struct toolchain found[TOOLCHAINS_MAX];
    size_t count = toolchains_find(found);
    struct watched *watched = watch_app(&found[count - 1], "mapdemo", NULL);
    char paths[2][PATH_MAX];
    static const char *const PHASES[] = {"full", "dropped"};
    for (int i = 0; i < 2; i++) {
        program_await_phase(watched->program, PHASES[i]);
        json_decref(watched_dump(watched));
        snprintf(paths[i], sizeof paths[i], "%s", watched->outbox.path);
        program_go_on(watched->program);
    }
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const char *const environment[] = {CASES[i].environment[0], CASES[i].environment[1], CASES[i].environment[2],
                                           NULL};
        struct text report = on_terminal(CASES[i].columns, environment, (const char *[]){"report", paths[1], NULL});
        struct text wide = on_terminal(CASES[i].columns, environment, (const char *[]){"report", "-w", paths[1], NULL});
        struct text diff =
            on_terminal(CASES[i].columns, environment, (const char *[]){"diff", paths[0], paths[1], NULL});
        const char *text = text_string(&report);
        cr_expect_eq(strchr(text, '\033') != NULL, CASES[i].has_colour, "case %zu: %s", i, text);
        cr_expect_eq(strstr(text, FULL_BLOCK) != NULL, CASES[i].has_unicode, "case %zu: %s", i, text);
        cr_expect_eq(strchr(text_string(&diff), '\033') != NULL, CASES[i].has_colour, "case %zu", i);
        cr_expect_leq(widest(text), CASES[i].columns, "case %zu: %s", i, text);
        cr_expect_leq(widest(text_string(&wide)), CASES[i].columns, "case %zu: %s", i, text_string(&wide));
        cr_expect_leq(widest(text_string(&diff)), CASES[i].columns, "case %zu: %s", i, text_string(&diff));
        text_free(&report);
        text_free(&wide);
        text_free(&diff);
    }
    watched_end(watched);
}
