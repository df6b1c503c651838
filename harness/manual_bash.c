/* SPDX-License-Identifier: Apache-2.0
 *
 * Completion for bash: a table of what each command takes, and one function that reads it.
 *
 * The words of a use tell what may stand where: PID is a process, FILE a file. "FORMAT is one of" before a list of
 * items, or (a|b|c) in the use itself, are words to choose from.
 */
#include "harness/manual.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum { WORD_BYTES = 64, LIST_BYTES = 512 };

/* What stands for a value, and what completes it: "file" unless it is listed. */
static const struct {
    const char *name, *kind;
} VALUES[] = {
    {"PID", "pid"},  {"CMD", "command"}, {"COMMAND", "topic"}, {"ADDR", "none"}, {"N", "none"},    {"DUR", "none"},
    {"VAR", "none"}, {"L", "none"},      {"LABEL", "none"},    {"SIZE", "none"}, {"TYPE", "none"}, {"0xADDR", "none"},
};

/* ---- words to choose from ---- */

/* "a|b|c" of lower-case words as "=a,b,c"; false: it is something else. */
static bool take_choice(const char *text, size_t bytes, char list[LIST_BYTES])
{
    bool has_bar = memchr(text, '|', bytes) != NULL;
    if (bytes + 2 > LIST_BYTES)
        return false;
    list[0] = '=';
    for (size_t i = 0; i < bytes; i++) {
        if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) && text[i] != '|' && text[i] != '-')
            return false;
        list[1 + i] = (char)(text[i] == '|' ? ',' : text[i]);
    }
    list[1 + bytes] = '\0';
    return has_bar || islower((unsigned char)text[0]);
}

/* The items that follow the sentence "NAME is one of". */
static bool take_list(const struct manual_page *page, const char *name, char list[LIST_BYTES])
{
    char sentence[WORD_BYTES + 16];
    size_t filled = 0;
    bool is_list = false;
    snprintf(sentence, sizeof sentence, "%s is one of", name);
    for (uint32_t i = 0; i < page->count; i++) {
        const struct manual_block *block = &page->blocks[i];
        if (block->kind != MANUAL_ITEM) {
            is_list = block->kind == MANUAL_PARAGRAPH && strstr(block->text, sentence) != NULL;
            continue;
        }
        if (is_list && block->term[0] != '-' && filled + strlen(block->term) + 2 < LIST_BYTES)
            filled +=
                (size_t)snprintf(list + filled, LIST_BYTES - filled, "%c%s", filled == 0 ? '=' : ',', block->term);
    }
    return filled > 0;
}

/* With or without brackets and dots around it; `list` is room for the answer. */
static const char *kind_of_value(const struct manual_page *page, const char *value, size_t bytes, char list[LIST_BYTES])
{
    char name[WORD_BYTES];
    const char *end = value + bytes;
    while (value < end && strchr("[(", *value) != NULL)
        value++;
    while (value < end && strchr("]).", end[-1]) != NULL)
        end--;
    bytes = (size_t)(end - value);
    snprintf(name, sizeof name, "%.*s", (int)bytes, value);
    name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")] = '\0';
    if (name[0] == '\0')
        return take_choice(value, bytes, list) ? list : "none";
    if (take_list(page, name, list))
        return list;
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        if (strcmp(VALUES[i].name, name) == 0)
            return VALUES[i].kind;
    }
    return "file";
}

/* ---- a page ---- */

/* The next word of a term, without commas; NULL at the end. */
static const char *next_word(const char **at, size_t *bytes)
{
    *at += strspn(*at, " ,");
    const char *word = *at;
    *bytes = strcspn(word, " ,");
    *at += *bytes;
    return *bytes == 0 ? NULL : word;
}

/* "-o, --output FILE": each option, and what it takes. */
static void write_options(FILE *out, const struct manual_page *page, bool with_values)
{
    char list[LIST_BYTES];
    for (uint32_t i = 0; i < page->count; i++) {
        const char *term = page->blocks[i].term;
        if (term == NULL || term[0] != '-')
            continue;
        const char *at = term, *value = NULL, *word;
        size_t bytes, value_bytes = 0;
        while ((word = next_word(&at, &bytes)) != NULL && value == NULL) {
            if (word[0] != '-') {
                value = word;
                value_bytes = bytes;
            }
        }
        for (at = term; (word = next_word(&at, &bytes)) != NULL && word[0] == '-';) {
            if (!with_values)
                fprintf(out, " %.*s", (int)bytes, word);
            else if (value != NULL)
                fprintf(out, " %.*s:%s", (int)bytes, word, kind_of_value(page, value, value_bytes, list));
        }
    }
}

/* What stands where: the words of the first use that are no options. */
static void write_places(FILE *out, const struct manual_page *page)
{
    char list[LIST_BYTES];
    int depth = 0;
    const char *at = page->blocks[0].text;
    at += strcspn(at, " "); /* gopagewatch */
    at += strspn(at, " ");
    at += strcspn(at, " "); /* the command */
    while (*at != '\0') {
        at += strspn(at, " ");
        size_t bytes = strcspn(at, " ");
        const char *word = at, *end = at + bytes;
        at = end;
        bool is_option = depth > 0 || word[0] == '-' || (word[0] == '[' && bytes > 1 && word[1] == '-');
        for (const char *letter = word; letter < end; letter++)
            depth += is_option && *letter == '[' ? 1 : is_option && *letter == ']' ? -1 : 0;
        if (!is_option && bytes > 0 && *word != '|')
            fprintf(out, " %s", kind_of_value(page, word, bytes, list));
    }
}

static void write_page(FILE *out, const struct manual_page *page)
{
    fprintf(out, "    %s)\n        options='", page->name);
    write_options(out, page, false);
    fputs("'\n        values='", out);
    write_options(out, page, true);
    fputs("'\n        places='", out);
    write_places(out, page);
    fputs("'\n        ;;\n", out);
}

/* ---- the script ---- */

static const char FRONT[] =
    "# bash completion for gopagewatch, made by 'gopagewatch help --completion bash' from the help pages.\n"
    "\n"
    "# Completes $1 by a kind of value: pid, file, command, topic (a command of gopagewatch), none, or =a,b,c.\n"
    "_gopagewatch_complete()\n"
    "{\n"
    "    case $2 in\n"
    "    pid) mapfile -t COMPREPLY < <(cd /proc && compgen -W \"$(echo [0-9]*)\" -- \"$1\") ;;\n"
    "    file)\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$1\")\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        ;;\n"
    "    command) mapfile -t COMPREPLY < <(compgen -c -- \"$1\") ;;\n"
    "    topic) mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$1\") ;;\n"
    "    =*)\n"
    "        local words=${2#=}\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"${words//,/ }\" -- \"$1\")\n"
    "        ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "# What the command in $1 takes.\n"
    "_gopagewatch_table()\n"
    "{\n"
    "    case $1 in\n";

static const char MIDDLE[] = "    esac\n"
                             "}\n"
                             "\n"
                             "_gopagewatch()\n"
                             "{\n"
                             "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
                             "    local options='' values='' places='' commands='";

static const char BACK[] =
    "'\n"
    "    local value kind place=0 i\n"
    "    COMPREPLY=()\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$commands --help --version\" -- \"$current\")\n"
    "        return\n"
    "    fi\n"
    "    _gopagewatch_table \"${COMP_WORDS[1]}\"\n"
    "    # --option=value is three words here\n"
    "    if [[ $current == '=' ]]; then\n"
    "        current='' previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    elif [[ $previous == '=' ]]; then\n"
    "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    for value in $values; do\n"
    "        if [[ $previous == \"${value%%:*}\" ]]; then\n"
    "            _gopagewatch_complete \"$current\" \"${value#*:}\"\n"
    "            return\n"
    "        fi\n"
    "    done\n"
    "    if [[ $current == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
    "        return\n"
    "    fi\n"
    "    # Which of the places is it: words before it that are neither options nor values of options.\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        -*)\n"
    "            if [[ ${COMP_WORDS[i + 1]} == '=' ]]; then\n"
    "                ((i += 2))\n"
    "            elif [[ \" $values\" == *\" ${COMP_WORDS[i]}:\"* ]]; then\n"
    "                ((i += 1))\n"
    "            fi\n"
    "            ;;\n"
    "        *) ((place += 1)) ;;\n"
    "        esac\n"
    "    done\n"
    "    for kind in $places; do\n"
    "        ((place-- == 0)) && break\n"
    "    done\n"
    "    _gopagewatch_complete \"$current\" \"$kind\"\n"
    "}\n"
    "\n"
    "complete -F _gopagewatch gopagewatch\n";

void manual_write_bash(FILE *out, const struct manual *manual)
{
    fputs(FRONT, out);
    for (uint32_t i = 0; i < manual->count; i++)
        write_page(out, &manual->pages[i]);
    fputs(MIDDLE, out);
    for (uint32_t i = 0; i < manual->count; i++)
        fprintf(out, "%s%s", i == 0 ? "" : " ", manual->pages[i].name);
    fputs(BACK, out);
}
