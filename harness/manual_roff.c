/* SPDX-License-Identifier: Apache-2.0
 *
 * The manual for man(1), in the classic macros that every man knows.
 */
#include "harness/manual.h"

#include <stddef.h>
#include <string.h>

#include "gopagewatch/schema.h"
#include "preload/options.h"

enum { LINE_COLUMNS = 60 }; /* escapes make it up to a third longer */

/* What roff would take for something else. */
static const struct {
    char letter;
    const char *escaped;
} ESCAPES[] = {{'\\', "\\e"}, {'-', "\\-"}, {'\'', "\\(aq"}, {'`', "\\(ga"}, {'^', "\\(ha"}, {'~', "\\(ti"}};

static void write_letter(FILE *out, char letter)
{
    for (size_t i = 0; i < sizeof ESCAPES / sizeof ESCAPES[0]; i++) {
        if (ESCAPES[i].letter == letter) {
            fputs(ESCAPES[i].escaped, out);
            return;
        }
    }
    fputc(letter, out);
}

/* At the beginning of a line a dot begins a request. */
static void write_bytes(FILE *out, const char *text, size_t bytes)
{
    if (bytes > 0 && *text == '.')
        fputs("\\&", out);
    for (size_t i = 0; i < bytes; i++)
        write_letter(out, text[i]);
}

static void write_escaped(FILE *out, const char *text)
{
    write_bytes(out, text, strlen(text));
}

/* A new sentence begins on a new line (roff sets the space between them), and no line gets long. */
static void write_text(FILE *out, const char *text)
{
    size_t column = 0;
    while (*text != '\0') {
        size_t bytes = strcspn(text, " ");
        if (column != 0 && column + 1 + bytes > LINE_COLUMNS) {
            fputc('\n', out);
            column = 0;
        } else if (column != 0) {
            fputc(' ', out);
            column++;
        }
        write_bytes(out, text, bytes);
        column += bytes;
        if (text[bytes - 1] == '.')
            column = LINE_COLUMNS;
        text += bytes;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void write_term(FILE *out, const char *term)
{
    fputs(".TP\n\\fB", out);
    write_escaped(out, term);
    fputs("\\fR\n", out);
}

static void begin_literal(FILE *out)
{
    fputs(".PP\nExample:\n.PP\n.RS 4\n.nf\n", out);
}

static void end_literal(FILE *out)
{
    fputs(".fi\n.RE\n", out);
}

static void write_block(FILE *out, const struct manual_block *block, bool is_first_of_kind, bool is_last_of_kind)
{
    switch (block->kind) {
    case MANUAL_USAGE:
        if (is_first_of_kind)
            fputs(".nf\n", out);
        fputs("\\fB", out);
        write_escaped(out, block->text);
        fputs("\\fR\n", out);
        if (is_last_of_kind)
            fputs(".fi\n", out);
        break;
    case MANUAL_PARAGRAPH:
        fputs(".PP\n", out);
        write_text(out, block->text);
        break;
    case MANUAL_ITEM:
        write_term(out, block->term);
        if (block->text[0] == '\0')
            fputs("\\&\n", out);
        else
            write_text(out, block->text);
        break;
    case MANUAL_EXAMPLE:
        if (is_first_of_kind)
            begin_literal(out);
        write_escaped(out, block->text);
        fputc('\n', out);
        if (is_last_of_kind)
            end_literal(out);
        break;
    case MANUAL_EXIT_STATUS:
        fputs(".PP\nExit status:\n", out);
        write_text(out, block->text);
        break;
    }
}

static void write_page(FILE *out, const struct manual_page *page)
{
    fprintf(out, ".SS %s\n", page->name);
    for (uint32_t i = 0; i < page->count; i++) {
        enum manual_kind kind = page->blocks[i].kind;
        write_block(out, &page->blocks[i], i == 0 || page->blocks[i - 1].kind != kind,
                    i + 1 == page->count || page->blocks[i + 1].kind != kind);
    }
}

static void write_environment(FILE *out)
{
    fputs(".SH ENVIRONMENT\n"
          "These are read by the library inside the program that is watched, once,\n"
          "when it starts.\n"
          "A wrong value costs one line on its standard error, and the default is\n"
          "used.\n",
          out);
#define X(variable, field, standard, meaning)  \
    write_term(out, "GOPAGEWATCH_" #variable); \
    write_text(out, (meaning));                \
    fputs("(default: ", out);                  \
    write_escaped(out, (standard));            \
    fputs(")\n", out);
    GPW_OPTIONS(X)
#undef X
    write_term(out, "NO_COLOR");
    write_text(out, "read by the command: no colours, even on a terminal");
}

void manual_write_roff(FILE *out, const struct manual *manual)
{
    fputs(".\\\" Made by 'gopagewatch help --man' from the help pages of the commands.\n"
          ".TH GOPAGEWATCH 1 \"" GPW_VERSION_DATE "\" \"gopagewatch " GPW_VERSION "\" \"User Commands\"\n"
          ".nh\n" /* paths and options are not hyphenated */
          ".ad l\n"
          ".SH NAME\n"
          "gopagewatch \\- where the RSS of a Go process went, page by page\n"
          ".SH SYNOPSIS\n"
          ".B gopagewatch\n"
          ".I command\n"
          ".RI [ argument \" ...]\"\n"
          ".SH DESCRIPTION\n"
          "The resident memory of a Go or cgo program is explained page by page,\n"
          "while it runs: what is an object, what is free but kept, what Go gave\n"
          "back and is resident all the same, what was never Go\\(aqs.\n"
          ".PP\n"
          "A library is loaded into the program (LD_PRELOAD=libgopagewatch.so) and\n"
          "writes a dump, a JSON file, when it is asked to by a signal (SIGUSR2).\n"
          "This command makes sense of dumps, and makes them from outside where\n"
          "the library is not loaded.\n"
          ".SH COMMANDS\n",
          out);
    for (uint32_t i = 0; i < manual->count; i++)
        write_page(out, &manual->pages[i]);
    write_environment(out);
    fputs(".SH EXIT STATUS\n"
          "0: it was done.\n"
          "2: wrong use.\n"
          "4: an input cannot be read, or the output cannot be written.\n"
          "Errors are one line on standard error.\n"
          ".SH SEE ALSO\n"
          ".BR ps (1),\n"
          ".BR proc (5),\n"
          ".BR ld.so (8)\n",
          out);
}
