/* SPDX-License-Identifier: Apache-2.0
 *
 * From variables to the text of GOPAGEWATCH_WATCH.
 */
#include "harness/run_watch.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goruntime/elf_image.h"
#include "harness/go_variable.h"
#include "harness/launch.h"
#include "harness/program_file.h"

/* The kernel takes no longer string (MAX_ARG_STRLEN, 32 pages); the name of the variable is in it too. */
enum { TEXT_BYTES = 32 * 4096 - 64, BUMP_BYTES = 512 << 20 };

struct text_of_watch {
    char *text;
    uint64_t filled;
    uint32_t paths;
};

bool run_watch_add(struct run_watch *watch, const char *variable, struct error *error)
{
    if (watch->count == MAP_PATHS_MAX)
        return error_set(error, "'%s': at most %d maps can be watched", variable, MAP_PATHS_MAX);
    watch->variables[watch->count++] = variable;
    return true;
}

/* Go's own id is in every Go program; children that are other programs have another one. */
static bool put_build_id(struct text_of_watch *text, const char *program, struct error *error)
{
    struct program_file file;
    struct elf_image image;
    struct bump bump;
    if (bump_open(&bump, BUMP_BYTES) != 0)
        return error_set(error, "there is no memory to read it into; free some or raise the limit (ulimit -v)");
    bool is_open = program_file_open(&file, program, &bump, error);
    bool is_image = is_open && file.is_64_bit && elf_image_read(&image, &file.reader, file.base);
    if (is_open && !is_image)
        error_set(error, "is no program of its own (a script?), so that --watch finds no variables in it; put the Go "
                         "program behind the options");
    if (is_open)
        program_file_close(&file);
    bump_close(&bump);
    if (!is_image || image.go_build_id_bytes == 0)
        return is_image;
    text->text[text->filled++] = '@';
    for (uint32_t i = 0; i < image.go_build_id_bytes; i++)
        text->filled +=
            (uint64_t)snprintf(text->text + text->filled, TEXT_BYTES - text->filled, "%02x", image.go_build_id[i]);
    text->text[text->filled++] = ':';
    return true;
}

static bool put_path(struct text_of_watch *text, const struct map_path *path, struct error *error)
{
    if (text->paths > 0)
        text->text[text->filled++] = ';';
    uint64_t bytes = map_path_write(path, text->text + text->filled, TEXT_BYTES - text->filled - 1);
    if (bytes == 0)
        return error_set(error, "the ways to all maps are longer than an environment variable may be; watch fewer");
    text->filled += bytes;
    text->paths++;
    return true;
}

static bool put_variable(struct text_of_watch *text, const struct run_watch *watch, const char *program,
                         const char *variable, uint64_t *left_out, struct error *error)
{
    struct go_variables found;
    struct error why;
    bool is_put = true;
    const struct symbols_options symbols = symbols_directories_options(&watch->symbols);
    if (!go_variable_find(&found, program, &symbols, variable, MAP_PATHS_MAX, &why))
        return error_set(error, "--watch '%s': %s", variable, why.text);
    *left_out += found.left_out;
    for (uint32_t i = 0; is_put && i < found.count; i++) {
        if (text->paths == MAP_PATHS_MAX)
            ++*left_out;
        else
            is_put = put_path(text, &found.paths[i], error);
    }
    go_variables_free(&found);
    return is_put;
}

static bool put_all(struct text_of_watch *text, const struct run_watch *watch, const char *program, uint64_t *left_out,
                    struct error *error)
{
    if (!put_build_id(text, program, error))
        return false;
    for (uint32_t i = 0; i < watch->count; i++) {
        if (!put_variable(text, watch, program, watch->variables[i], left_out, error))
            return false;
    }
    return launch_set_option("WATCH", text->text, error);
}

bool run_watch_set(const struct run_watch *watch, const char *name, const char **thing, uint64_t *left_out,
                   struct error *error)
{
    static char program[PATH_MAX]; /* for `thing` */
    *thing = name;
    *left_out = 0;
    if (watch->count == 0)
        return true;
    if (!launch_find_program(name, program, error))
        return false;
    *thing = program;
    struct text_of_watch text = {.text = calloc(1, TEXT_BYTES)};
    if (text.text == NULL)
        return error_set(error, "there is no memory for it");
    bool is_set = put_all(&text, watch, program, left_out, error);
    free(text.text);
    return is_set;
}
