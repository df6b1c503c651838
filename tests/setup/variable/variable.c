/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps in a running program, found by name: for each NAME on standard input a line "map NAME HEADER DESCRIPTOR TYPE"
 * for every map that it means ("more COUNT" for those left out), or "why SENTENCE". Each path is written as text and
 * read again before it is gone. "type TYPE ADDRESS" asks for a map by its type. For tests: the command has its own ways
 * to show maps.
 *
 * The kind in the descriptor, which the process has in its memory, must be that of a map, or the line has "no map" in
 * the place of the type.
 *
 * usage: variable EXE PID [DIRECTORY...]; PID 0: nothing runs, HEADER is 0 and DESCRIPTOR a link-time address
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "goruntime/elf_image.h"
#include "harness/go_variable.h"
#include "harness/live_process.h"

enum { LINE_BYTES = 1024, TEXT_BYTES = 4096, KIND_OFFSET = 23, KIND_MASK = 31, KIND_MAP = 21, BUMP_BYTES = 64 << 20 };

static struct live_process process;
static uintptr_t bias;
static bool is_live;

static int refuse(const char *sentence)
{
    fprintf(stderr, "variable: %s\n", sentence);
    return 2;
}

/* The module that is a mapping of that very file. */
static bool find_bias(const char *exe, struct elf_image *image)
{
    struct stat wanted, status;
    if (stat(exe, &wanted) != 0)
        return false;
    for (uint64_t i = 0; i < process.vmas.count; i++) {
        const struct vma *vma = &process.vmas.vmas[i];
        if (vma->file_offset_bytes == 0 && vma->name[0] == '/' && stat(vma->name, &status) == 0 &&
            status.st_ino == wanted.st_ino && status.st_dev == wanted.st_dev) {
            bool is_read = elf_image_read(image, &process.reader.reader, vma->start);
            bias = image->bias;
            return is_read;
        }
    }
    return false;
}

static bool is_map_type(uintptr_t descriptor)
{
    uint8_t kind;
    return !is_live ||
           (reader_read(&process.reader.reader, descriptor + KIND_OFFSET, &kind, 1) && (kind & KIND_MASK) == KIND_MAP);
}

static void print_map(const struct map_path *found)
{
    char text[TEXT_BYTES];
    const char *why = NULL, *rest;
    struct map_path path = *found;
    uintptr_t place, header = 0;
    if (!found->is_absolute && (map_path_write(found, text, sizeof text) == 0 || !map_path_parse(&path, text, &rest))) {
        printf("why %s has no text\n", found->name);
        return;
    }
    if (is_live && !map_path_go(&path, &process.reader.reader, bias, &place, &why)) {
        printf("why %s: %s\n", path.name, why);
        return;
    }
    if (is_live && path.is_header)
        header = place;
    else if (is_live && !reader_read(&process.reader.reader, place, &header, sizeof header)) {
        printf("why %s: its word cannot be read\n", path.name);
        return;
    }
    printf("map %s 0x%" PRIxPTR " 0x%" PRIxPTR " %s\n", path.name, header, path.type + bias,
           is_map_type(path.type + bias) ? path.type_name : "no map");
}

static void answer(const char *exe, const struct symbols_options *symbols, char *line)
{
    static const char TYPE[] = "type ";
    struct go_variables found;
    struct error error;
    bool is_type = strncmp(line, TYPE, sizeof TYPE - 1) == 0;
    char *address = is_type ? strrchr(line, ' ') : NULL;
    if (address != NULL)
        *address++ = '\0';
    bool is_found = is_type ? go_variable_find_type(&found, exe, symbols, line + sizeof TYPE - 1,
                                                    strtoull(address, NULL, 0), &error)
                            : go_variable_find(&found, exe, symbols, line, MAP_PATHS_MAX, &error);
    if (!is_found) {
        printf("why %s\n", error.text);
        return;
    }
    for (uint32_t i = 0; i < found.count; i++)
        print_map(&found.paths[i]);
    if (found.left_out > 0)
        printf("more %" PRIu64 "\n", found.left_out);
    go_variables_free(&found);
}

int main(int argc, char **argv)
{
    static struct elf_image image;
    struct bump bump = {0};
    struct error error;
    char line[LINE_BYTES];
    if (argc < 3)
        return refuse("which program, which process?");
    const struct symbols_options symbols = {
        .directories = (const char *const *)argv + 3,
        .directories_count = (uint64_t)argc - 3,
    };
    is_live = strcmp(argv[2], "0") != 0;
    if (bump_open(&bump, BUMP_BYTES) != 0)
        return refuse("there is no memory");
    if (is_live && !live_process_open(&process, atoi(argv[2]), &bump, &error))
        return refuse(error.text);
    if (is_live && !find_bias(argv[1], &image))
        return refuse("that process does not run that program");
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        answer(argv[1], &symbols, line);
        fflush(stdout);
    }
    if (is_live)
        live_process_close(&process);
    bump_close(&bump);
    return 0;
}
