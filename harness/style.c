/* SPDX-License-Identifier: Apache-2.0
 *
 * Escape sequences by role. Outside of them nothing in the command writes an escape.
 */
#include "harness/style.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Select Graphic Rendition (ECMA-48); "": no escape at all. */
static const char *const CODES[STYLE_ROLE_COUNT] = {
    [STYLE_PLAIN] = "",    [STYLE_HEADING] = "1",    [STYLE_FAINT] = "2",     [STYLE_WARNING] = "1;31",
    [STYLE_GROWTH] = "31", [STYLE_SHRINKAGE] = "32", [STYLE_OBJECTS] = "32",  [STYLE_UNUSED] = "33",
    [STYLE_STACKS] = "34", [STYLE_FREE] = "36",      [STYLE_RELEASED] = "31", [STYLE_RUNTIME] = "35",
    [STYLE_C] = "95",      [STYLE_FILES] = "94",
};

/* NULL: unset or empty, which is the same here. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* By the variables and not by setlocale: a locale that is not installed here says all the same what the terminal
 * shows. */
static bool is_utf8_locale(void)
{
    static const char *const NAMES[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const char *locale = variable(NAMES[i]);
        if (locale != NULL)
            return strcasestr(locale, "utf-8") != NULL || strcasestr(locale, "utf8") != NULL;
    }
    return false;
}

struct style style_choose(bool is_terminal)
{
    if (!is_terminal)
        return (struct style){0};
    const char *terminal = variable("TERM");
    bool is_dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;
    return (struct style){.has_colour = !is_dumb && variable("NO_COLOR") == NULL, .has_unicode = is_utf8_locale()};
}

void style_begin(FILE *out, const struct style *style, enum style_role role, enum style_look look)
{
    static const char *const LOOKS[] = {[STYLE_TEXT] = "", [STYLE_DIMMED] = ";2", [STYLE_FILLED] = ";7"};
    if (style->has_colour && role != STYLE_PLAIN)
        fprintf(out, "\033[%s%sm", CODES[role], LOOKS[look]);
}

void style_end(FILE *out, const struct style *style, enum style_role role)
{
    if (style->has_colour && role != STYLE_PLAIN)
        fputs("\033[0m", out);
}

void style_write_heading(FILE *out, const struct style *style, const char *heading)
{
    fputc('\n', out);
    style_begin(out, style, STYLE_HEADING, STYLE_TEXT);
    fputs(heading, out);
    style_end(out, style, STYLE_HEADING);
    fputc('\n', out);
}
