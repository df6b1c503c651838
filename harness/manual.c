/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading help pages, line by line.
 */
#include "harness/manual.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Address space, not memory. */
#define BUMP_BYTES (64ull << 20)

enum { ITEM_INDENT = 2, LONG_OPTION_INDENT = 6 };

static const char COMMAND_NAME[] = "gopagewatch ";

struct parser {
    struct manual_page *page;
    struct bump *bump;
    struct manual_block *open; /* what the next line may go on with; NULL after an empty line */
    bool is_example;
    bool is_whole; /* nothing was dropped */
};

static const char *copy(struct parser *parser, const char *text, size_t bytes)
{
    char *own = bump_take(parser->bump, bytes + 1);
    if (own == NULL) {
        parser->is_whole = false;
        return "";
    }
    memcpy(own, text, bytes);
    return own;
}

static void begin(struct parser *parser, enum manual_kind kind, const char *text, size_t bytes)
{
    if (parser->page->count == MANUAL_BLOCKS_MAX) {
        parser->is_whole = false;
        return;
    }
    parser->open = &parser->page->blocks[parser->page->count++];
    *parser->open = (struct manual_block){kind, NULL, copy(parser, text, bytes)};
}

static void go_on(struct parser *parser, const char *text, size_t bytes)
{
    size_t before = strlen(parser->open->text);
    char *joined = bump_take(parser->bump, before + 1 + bytes + 1);
    if (joined == NULL) {
        parser->is_whole = false;
        return;
    }
    memcpy(joined, parser->open->text, before);
    if (before > 0)
        joined[before++] = ' ';
    memcpy(joined + before, text, bytes);
    parser->open->text = joined;
}

static bool is_open(const struct parser *parser, enum manual_kind kind)
{
    return parser->open != NULL && parser->open->kind == kind;
}

static bool starts_with(const char *text, size_t bytes, const char *prefix)
{
    return bytes >= strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0;
}

/* "-o, --output FILE   where to": the term ends before two spaces. An option without a letter stands below the words
 * of those that have one. */
static void take_item(struct parser *parser, const char *line, size_t bytes)
{
    const char *gap = memmem(line, bytes, "  ", 2);
    size_t term_bytes = gap == NULL ? bytes : (size_t)(gap - line), text_at = term_bytes;
    while (text_at < bytes && line[text_at] == ' ')
        text_at++;
    begin(parser, MANUAL_ITEM, line + text_at, bytes - text_at);
    if (is_open(parser, MANUAL_ITEM))
        parser->open->term = copy(parser, line, term_bytes);
}

static void take_indented(struct parser *parser, const char *line, size_t bytes, size_t indent)
{
    if (parser->is_example)
        begin(parser, MANUAL_EXAMPLE, line + ITEM_INDENT, bytes - ITEM_INDENT);
    else if (is_open(parser, MANUAL_USAGE) && starts_with(line + indent, bytes - indent, COMMAND_NAME))
        begin(parser, MANUAL_USAGE, line + indent, bytes - indent);
    else if (!is_open(parser, MANUAL_USAGE) &&
             (indent == ITEM_INDENT ||
              (indent == LONG_OPTION_INDENT && starts_with(line + indent, bytes - indent, "--"))))
        take_item(parser, line + indent, bytes - indent);
    else if (parser->open != NULL)
        go_on(parser, line + indent, bytes - indent);
    else
        begin(parser, MANUAL_PARAGRAPH, line + indent, bytes - indent);
}

static void take_flush(struct parser *parser, const char *line, size_t bytes)
{
    static const char USAGE[] = "usage: ", EXIT_STATUS[] = "exit status: ";
    parser->is_example = false;
    if (starts_with(line, bytes, USAGE)) {
        begin(parser, MANUAL_USAGE, line + strlen(USAGE), bytes - strlen(USAGE));
    } else if (starts_with(line, bytes, EXIT_STATUS)) {
        begin(parser, MANUAL_EXIT_STATUS, line + strlen(EXIT_STATUS), bytes - strlen(EXIT_STATUS));
    } else if (starts_with(line, bytes, "example:") || starts_with(line, bytes, "examples:")) {
        parser->is_example = true;
        parser->open = NULL;
    } else if (is_open(parser, MANUAL_PARAGRAPH) || is_open(parser, MANUAL_EXIT_STATUS)) {
        go_on(parser, line, bytes);
    } else {
        begin(parser, MANUAL_PARAGRAPH, line, bytes);
    }
}

bool manual_page_parse(struct manual_page *page, const char *text, struct bump *bump)
{
    struct parser parser = {.page = page, .bump = bump, .is_whole = true};
    page->count = 0;
    while (*text != '\0') {
        size_t bytes = strcspn(text, "\n"), indent = strspn(text, " ");
        if (indent >= bytes)
            parser.open = NULL;
        else if (indent >= ITEM_INDENT)
            take_indented(&parser, text, bytes, indent);
        else
            take_flush(&parser, text, bytes);
        text += bytes + (text[bytes] == '\n');
    }
    return parser.is_whole;
}

/* ---- asking the commands ---- */

/* What it writes to stdout; for free. In the GNU C library stdout is a variable like any other. */
static char *ask(const struct command *command)
{
    char *text = NULL, name[64], help[] = "--help", *arguments[] = {name, help, NULL};
    size_t bytes = 0;
    FILE *before = stdout, *memory = open_memstream(&text, &bytes);
    if (memory == NULL)
        return NULL;
    snprintf(name, sizeof name, "%s", command->name);
    stdout = memory;
    command->run(2, arguments);
    stdout = before;
    fclose(memory);
    return text;
}

static bool read_page(struct manual *manual, const struct command *command)
{
    struct manual_page *page = &manual->pages[manual->count];
    char *text = ask(command);
    bool is_read = text != NULL && manual_page_parse(page, text, &manual->bump) && page->count > 0 &&
                   page->blocks[0].kind == MANUAL_USAGE;
    page->name = command->name;
    manual->count += is_read;
    free(text);
    return is_read;
}

bool manual_open(struct manual *manual, const struct command *commands, uint32_t count, struct error *error)
{
    manual->count = 0;
    if (bump_open(&manual->bump, BUMP_BYTES) != 0 || count > MANUAL_PAGES_MAX)
        return error_set(error, "there is no room for %u pages", (unsigned)count);
    for (uint32_t i = 0; i < count; i++) {
        if (!read_page(manual, &commands[i]))
            return error_set(error,
                             "the help page of %s cannot be read; it does not begin with 'usage: ', or is too long",
                             commands[i].name);
    }
    return true;
}

void manual_close(struct manual *manual)
{
    bump_close(&manual->bump);
}
