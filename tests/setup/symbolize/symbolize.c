/* SPDX-License-Identifier: Apache-2.0
 *
 * Names for the addresses on standard input (0x..., a line each; return addresses), by a dump's modules: a line each
 * with function|file|line of every frame, innermost first, %20 for a blank, "?" for what is not known. Then why modules
 * have no names, a line "why ..." each. For tests: the command has its own ways to show names.
 *
 * usage: symbolize DUMP [DIRECTORY...]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/dump_file.h"
#include "harness/symbols.h"

enum { FRAMES_MAX = 64, LINE_BYTES = 64 };

static void print_text(const char *text)
{
    for (const char *at = text == NULL ? "?" : text; *at != '\0'; at++) {
        if (*at == ' ')
            fputs("%20", stdout);
        else
            putchar(*at);
    }
}

static void print_frames(struct symbols *symbols, uint64_t address)
{
    struct symbol_frame frames[FRAMES_MAX];
    uint32_t count = symbols_resolve(symbols, address, true, frames, FRAMES_MAX);
    printf("%#" PRIx64, address);
    for (uint32_t i = 0; i < count; i++) {
        putchar(' ');
        print_text(frames[i].function);
        putchar('|');
        print_text(frames[i].file);
        printf("|%" PRIu64, frames[i].line);
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    struct dump dump;
    struct symbols symbols;
    struct error error;
    char line[LINE_BYTES];
    struct symbols_options options = {
        .directories = (const char *const *)argv + 2,
        .directories_count = argc > 2 ? (uint64_t)argc - 2 : 0,
    };
    if (argc < 2 || !dump_load(&dump, argv[1], &error) ||
        !symbols_open(&symbols, dump.modules, dump.modules_count, &options, &error)) {
        fprintf(stderr, "symbolize: %s\n", argc < 2 ? "which dump?" : error.text);
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL)
        print_frames(&symbols, strtoull(line, NULL, 16));
    for (uint64_t i = 0; i < dump.modules_count; i++) {
        const char *why = symbols_module_why(&symbols, i);
        if (why != NULL)
            printf("why %s\n", why);
    }
    symbols_close(&symbols);
    dump_free(&dump);
    return 0;
}
