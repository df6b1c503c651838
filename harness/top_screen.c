/* SPDX-License-Identifier: Apache-2.0
 *
 * Drawing with ncurses. Without colours (a terminal that has none, NO_COLOR) bars are their letters.
 */
#include "harness/top_screen.h"

#include <curses.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONTROL_L = 'L' & 0x1f };

static SCREEN *terminal;
static bool has_colours;

static const int COLOUR_OF[TOP_STYLE_COUNT] = {
    [TOP_ALERT] = COLOR_YELLOW, [TOP_USED] = COLOR_GREEN, [TOP_IDLE] = COLOR_CYAN, [TOP_WASTED] = COLOR_RED};

static void open_colours(void)
{
    const char *no_colour = getenv("NO_COLOR");
    has_colours = has_colors() && (no_colour == NULL || no_colour[0] == '\0') && start_color() == OK;
    if (!has_colours)
        return;
    use_default_colors();
    for (int style = 0; style < TOP_STYLE_COUNT; style++) {
        if (COLOUR_OF[style] != 0)
            init_pair((short)(style + 1), (short)COLOUR_OF[style], -1);
    }
}

bool top_screen_open(struct error *error)
{
    const char *kind = getenv("TERM");
    setlocale(LC_CTYPE, "");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(error, "needs a terminal; for a file or a pipe use 'gopagewatch attach PID'");
    terminal = kind == NULL ? NULL : newterm(NULL, stdout, stdin);
    if (terminal == NULL)
        return error_set(error, "cannot draw on a terminal of kind '%s' (TERM); try TERM=vt100",
                         kind == NULL ? "" : kind);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    open_colours();
    return true;
}

void top_screen_close(void)
{
    endwin();
    delscreen(terminal);
    terminal = NULL;
}

void top_screen_size(uint32_t *columns, uint32_t *rows)
{
    int height, width;
    getmaxyx(stdscr, height, width);
    *columns = width < 0 ? 0 : (uint32_t)width;
    *rows = height < 0 ? 0 : (uint32_t)height;
}

static attr_t attributes_of(enum top_style style)
{
    attr_t attributes = style == TOP_TITLE || style == TOP_ALERT ? A_BOLD : style == TOP_NOTE ? A_DIM : A_NORMAL;
    if (has_colours && COLOUR_OF[style] != 0)
        attributes |= COLOR_PAIR(style + 1);
    return attributes;
}

static void draw_line(const struct top_line *line)
{
    attrset(attributes_of(line->style));
    mvaddstr((int)line->row, 0, line->text);
    if (line->bar_bytes == 0)
        return;
    attrset(attributes_of(line->bar_style) | (has_colours ? A_REVERSE : A_NORMAL));
    move((int)line->row, (int)line->bar_start);
    for (uint32_t i = 0; i < line->bar_bytes; i++)
        addch(has_colours ? ' ' : (unsigned char)line->text[line->bar_start + i]);
    attrset(A_NORMAL);
}

/* ncurses writes once and does not look at how much was taken: a change of size that interrupts it, as while a window
 * is dragged, would leave a screen with lines missing. Returns the mask for resume_resizes. */
static sigset_t hold_resizes(void)
{
    sigset_t resizes, before;
    sigemptyset(&resizes);
    sigaddset(&resizes, SIGWINCH);
    sigprocmask(SIG_BLOCK, &resizes, &before);
    return before;
}

static void resume_resizes(sigset_t before)
{
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void top_screen_draw(const struct top_picture *picture)
{
    erase();
    for (uint32_t i = 0; i < picture->count; i++)
        draw_line(&picture->lines[i]);
    sigset_t before = hold_resizes();
    refresh();
    resume_resizes(before);
}

bool top_screen_take_key(int *key)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    sigset_t before = hold_resizes(); /* behind a change of size it draws */
    *key = getch();
    resume_resizes(before);
    /* What was written for the old size may have gone anywhere. */
    if (*key == CONTROL_L || *key == KEY_RESIZE)
        clearok(stdscr, TRUE);
    if (*key >= 'A' && *key <= 'Z')
        *key += 'a' - 'A';
    if (*key != ERR)
        return true;
    *key = 0;
    /* Readable, and nothing to read: hung up. */
    return poll(&input, 1, 0) <= 0 || (input.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}
