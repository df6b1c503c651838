/* SPDX-License-Identifier: Apache-2.0
 *
 * The terminal: escape sequences of ECMA-48, one cursor, a grid of bytes.
 */
#include "tests/e2e/support/screen.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tests/e2e/support/deadline.h"
#include "tests/e2e/support/fail.h"

enum { ROWS_MAX = 100, COLUMNS_MAX = 300, PARAMETERS_MAX = 16, TAB_COLUMNS = 8 };

enum parser { PARSER_TEXT, PARSER_ESCAPE, PARSER_CHARSET, PARSER_CONTROL };

struct screen {
    int terminal; /* the side of the one who looks */
    struct program *program;
    unsigned columns, rows;
    char cells[ROWS_MAX][COLUMNS_MAX];
    unsigned row, column; /* column == columns: at the end, the next letter wraps */
    unsigned saved_row, saved_column;
    unsigned top, bottom; /* the rows that scroll, both among them */
    bool wraps_at_once;   /* terminfo: am without xenl */
    char last;            /* letter, for REP */
    enum parser parser;
    unsigned parameters[PARAMETERS_MAX], parameters_count;
    char text[ROWS_MAX * (COLUMNS_MAX + 1) + 1];
};

static char device[128]; /* for the child: before_exec has no argument */

static void take_terminal(void)
{
    int fd = open(device, O_RDWR | O_NOCTTY);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
}

static void set_size(const struct screen *screen)
{
    struct winsize size = {.ws_row = (unsigned short)screen->rows, .ws_col = (unsigned short)screen->columns};
    must(ioctl(screen->terminal, TIOCSWINSZ, &size) == 0, "size of the terminal");
}

static void clear(struct screen *screen)
{
    memset(screen->cells, ' ', sizeof screen->cells);
}

/* What curses writes behind the last column depends on this; of the kinds that tests ask for only one does. */
static bool kind_wraps_at_once(const char *const *environment)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        if (strcmp(*environment, "TERM=ansi") == 0)
            return true;
    }
    return false;
}

struct screen *screen_start(const struct program_setup *setup, unsigned columns, unsigned rows)
{
    struct screen *screen = calloc(1, sizeof *screen);
    must(screen != NULL && columns <= COLUMNS_MAX && rows <= ROWS_MAX, "screen");
    screen->columns = columns;
    screen->rows = rows;
    screen->bottom = rows - 1;
    screen->wraps_at_once = kind_wraps_at_once(setup->environment);
    clear(screen);
    screen->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    must(screen->terminal >= 0 && grantpt(screen->terminal) == 0 && unlockpt(screen->terminal) == 0 &&
             ptsname_r(screen->terminal, device, sizeof device) == 0,
         "pseudo-terminal");
    set_size(screen);
    fcntl(screen->terminal, F_SETFL, O_NONBLOCK);
    struct program_setup with_terminal = *setup;
    with_terminal.before_exec = take_terminal;
    screen->program = program_start(&with_terminal);
    return screen;
}

struct program *screen_program(const struct screen *screen)
{
    return screen->program;
}

/* ---- what is written ---- */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static void feed_line(struct screen *screen)
{
    if (screen->row != screen->bottom) {
        screen->row += screen->row + 1 < screen->rows;
        return;
    }
    unsigned moved = screen->bottom - screen->top;
    memmove(screen->cells[screen->top], screen->cells[screen->top + 1], moved * sizeof screen->cells[0]);
    memset(screen->cells[screen->bottom], ' ', sizeof screen->cells[0]);
}

static void wrap_if_at_end(struct screen *screen)
{
    if (screen->column < screen->columns)
        return;
    screen->column = 0;
    feed_line(screen);
}

static void put(struct screen *screen, char letter)
{
    wrap_if_at_end(screen);
    screen->cells[screen->row][screen->column++] = letter;
    screen->last = letter;
    if (screen->wraps_at_once)
        wrap_if_at_end(screen);
}

static void erase(struct screen *screen, unsigned row, unsigned begin, unsigned end)
{
    if (row < ROWS_MAX && begin < end && end <= COLUMNS_MAX)
        memset(screen->cells[row] + begin, ' ', end - begin);
}

static void erase_display(struct screen *screen, unsigned what)
{
    for (unsigned row = 0; row < screen->rows; row++) {
        if ((what == 0 && row > screen->row) || (what == 1 && row < screen->row) || what >= 2)
            erase(screen, row, 0, COLUMNS_MAX);
    }
}

static void erase_line(struct screen *screen, unsigned what)
{
    unsigned column = least(screen->column, screen->columns);
    if (what == 0)
        erase(screen, screen->row, column, COLUMNS_MAX);
    else if (what == 1)
        erase(screen, screen->row, 0, column + 1);
    else
        erase(screen, screen->row, 0, COLUMNS_MAX);
}

static unsigned parameter(const struct screen *screen, unsigned index, unsigned standard)
{
    unsigned value = index < screen->parameters_count ? screen->parameters[index] : 0;
    return value == 0 ? standard : value;
}

static void move_to(struct screen *screen, unsigned row, unsigned column)
{
    screen->row = least(row, screen->rows - 1);
    screen->column = least(column, screen->columns - 1);
}

static void set_region(struct screen *screen, unsigned top, unsigned bottom)
{
    screen->bottom = least(bottom, screen->rows - 1);
    screen->top = least(top, screen->bottom);
}

/* Rows from the cursor's on, of those that scroll, move down or up by `n`. */
static void shift_rows(struct screen *screen, unsigned n, bool is_down)
{
    if (screen->row < screen->top || screen->row > screen->bottom)
        return;
    unsigned rows = screen->bottom + 1 - screen->row;
    char(*at)[COLUMNS_MAX] = screen->cells + screen->row;
    n = least(n, rows);
    memmove(is_down ? at + n : at, is_down ? at : at + n, (rows - n) * sizeof *at);
    memset(is_down ? at : at + rows - n, ' ', n * sizeof *at);
}

static void control(struct screen *screen, char final)
{
    unsigned n = parameter(screen, 0, 1), what = parameter(screen, 0, 0);
    unsigned row = screen->row, column = least(screen->column, screen->columns - 1);
    char *cells = screen->cells[row];
    switch (final) {
    case 'A':
        move_to(screen, row - least(n, row), column);
        break;
    case 'B':
        move_to(screen, row + n, column);
        break;
    case 'C':
        move_to(screen, row, column + n);
        break;
    case 'D':
        move_to(screen, row, column - least(n, column));
        break;
    case 'G':
        move_to(screen, row, n - 1);
        break;
    case 'd':
        move_to(screen, n - 1, column);
        break;
    case 'H':
    case 'f':
        move_to(screen, n - 1, parameter(screen, 1, 1) - 1);
        break;
    case 'J':
        erase_display(screen, what);
        if (what < 2)
            erase_line(screen, what);
        break;
    case 'K':
        erase_line(screen, what);
        break;
    case 'X':
        erase(screen, row, column, least(column + n, screen->columns));
        break;
    case 'P':
        n = least(n, screen->columns - column);
        memmove(cells + column, cells + column + n, screen->columns - column - n);
        erase(screen, row, screen->columns - n, screen->columns);
        break;
    case '@':
        n = least(n, screen->columns - column);
        memmove(cells + column + n, cells + column, screen->columns - column - n);
        erase(screen, row, column, column + n);
        break;
    case 'L':
    case 'M':
        shift_rows(screen, n, final == 'L');
        break;
    case 'r':
        set_region(screen, n - 1, parameter(screen, 1, screen->rows) - 1);
        move_to(screen, 0, 0);
        break;
    case 'b':
        for (; n > 0; n--)
            put(screen, screen->last);
        break;
    case 'm': /* attributes */
    case 'h': /* modes */
    case 'l':
    case 'c': /* the cursor's shape */
    case 't':
        break;
    default:
        fail("the terminal does not know the sequence ESC [ ... %c", final);
    }
}

static void take_escape(struct screen *screen, char letter)
{
    screen->parser = PARSER_TEXT;
    if (letter == '[') {
        screen->parser = PARSER_CONTROL;
        memset(screen->parameters, 0, sizeof screen->parameters);
        screen->parameters_count = 1;
    } else if (letter == '(' || letter == ')') {
        screen->parser = PARSER_CHARSET;
    } else if (letter == '7') {
        screen->saved_row = screen->row;
        screen->saved_column = screen->column;
    } else if (letter == '8') {
        move_to(screen, screen->saved_row, screen->saved_column);
    } else if (strchr("=>", letter) == NULL) {
        fail("the terminal does not know the sequence ESC %c", letter);
    }
}

static void take_control(struct screen *screen, char letter)
{
    if (letter >= '0' && letter <= '9') {
        unsigned *last = &screen->parameters[screen->parameters_count - 1];
        *last = least(*last * 10 + (unsigned)(letter - '0'), 10000);
    } else if (letter == ';' && screen->parameters_count < PARAMETERS_MAX) {
        screen->parameters_count++;
    } else if (letter >= '@') {
        screen->parser = PARSER_TEXT;
        control(screen, letter);
    }
}

static void take_text(struct screen *screen, char letter)
{
    switch (letter) {
    case '\033':
        screen->parser = PARSER_ESCAPE;
        break;
    case '\r':
        screen->column = 0;
        break;
    case '\n':
        feed_line(screen);
        break;
    case '\b':
        screen->column -= screen->column > 0;
        break;
    case '\t':
        screen->column = least((screen->column / TAB_COLUMNS + 1) * TAB_COLUMNS, screen->columns - 1);
        break;
    default:
        if ((unsigned char)letter >= ' ')
            put(screen, letter);
    }
}

static void take(struct screen *screen, char letter)
{
    switch (screen->parser) {
    case PARSER_TEXT:
        take_text(screen, letter);
        break;
    case PARSER_ESCAPE:
        take_escape(screen, letter);
        break;
    case PARSER_CHARSET:
        screen->parser = PARSER_TEXT;
        break;
    case PARSER_CONTROL:
        take_control(screen, letter);
        break;
    }
}

static void read_terminal(struct screen *screen)
{
    char piece[4096];
    ssize_t got;
    while ((got = read(screen->terminal, piece, sizeof piece)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            take(screen, piece[i]);
    }
}

/* ---- what is seen ---- */

const char *screen_text(struct screen *screen)
{
    size_t filled = 0;
    read_terminal(screen);
    for (unsigned row = 0; row < screen->rows; row++) {
        unsigned length = screen->columns;
        while (length > 0 && screen->cells[row][length - 1] == ' ')
            length--;
        memcpy(screen->text + filled, screen->cells[row], length);
        filled += length;
        screen->text[filled++] = '\n';
    }
    screen->text[filled] = '\0';
    return screen->text;
}

const char *screen_await(struct screen *screen, const char *text)
{
    char what[COLUMNS_MAX * 2];
    const char *seen;
    struct deadline deadline = deadline_usual();
    while (strstr(seen = screen_text(screen), text) == NULL) {
        if (deadline_left_ms(deadline) == 0)
            fail("\"%s\" has not come in time on:\n%s", text, seen);
        snprintf(what, sizeof what, "\"%s\" on its screen", text);
        program_await_readable(screen->program, screen->terminal, what);
    }
    return seen;
}

void screen_await_output(struct screen *screen)
{
    read_terminal(screen);
    program_await_readable(screen->program, screen->terminal, "more on its screen");
}

void screen_press(struct screen *screen, const char *keys)
{
    must(write(screen->terminal, keys, strlen(keys)) == (ssize_t)strlen(keys), "keys '%s'", keys);
}

/* The program has no controlling terminal here, so nobody but us tells it. */
void screen_resize(struct screen *screen, unsigned columns, unsigned rows)
{
    must(columns <= COLUMNS_MAX && rows <= ROWS_MAX && columns > 0 && rows > 0, "screen");
    read_terminal(screen);
    screen->columns = columns;
    screen->rows = rows;
    set_region(screen, 0, rows - 1);
    move_to(screen, screen->row, screen->column);
    clear(screen);
    set_size(screen);
    program_signal(screen->program, SIGWINCH);
}

bool screen_is_put_right(const struct screen *screen)
{
    struct termios mode;
    must(tcgetattr(screen->terminal, &mode) == 0, "mode of the terminal");
    return (mode.c_lflag & ECHO) != 0 && (mode.c_lflag & ICANON) != 0;
}

void screen_free(struct screen *screen)
{
    program_free(screen->program);
    close(screen->terminal);
    free(screen);
}
