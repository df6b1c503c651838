/* SPDX-License-Identifier: Apache-2.0
 *
 * From an address to its module, from there to the reader that knows its code; what was found is kept.
 *
 * A module's files are opened when the first of its addresses is asked for, Go's table before libdw: most addresses of
 * a Go program are in it, and it is the faster one.
 */
#include "harness/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "goruntime/runtime_find.h"
#include "harness/program_file.h"
#include "harness/symbols_c.h"
#include "harness/symbols_file.h"
#include "harness/symbols_go.h"
#include "harness/symbols_text.h"

/* Address space for names and frames: some hundred bytes for each address. */
#define SYMBOLS_BUMP_BYTES ((uint64_t)1 << 32)
/* For the relocations of one file. */
#define FILE_BUMP_BYTES ((uint64_t)1 << 30)

enum { FRAMES_MAX = 128 };

struct symbol_module {
    bool is_opened;
    bool has_go, has_file;
    struct program_file file; /* what the Go table is read from */
    struct bump file_bump;
    struct go_table go;
    struct c_symbols *c; /* opened when the first address that is not Go's is asked for */
    bool is_c_opened;
    struct symbol_file own, debug;
    struct error why; /* "": nothing is wrong */
};

/* What was found at an address. */
struct symbol_cache {
    uint64_t address;
    const struct symbol_frame *frames;
    uint32_t count;
    UT_hash_handle hh;
};

bool symbols_open(struct symbols *symbols, const struct dump_module *modules, uint64_t count,
                  const struct symbols_options *options, struct error *error)
{
    *symbols = (struct symbols){.modules = modules, .modules_count = count};
    if (options != NULL)
        symbols->options = *options;
    if (bump_open(&symbols->bump, SYMBOLS_BUMP_BYTES) == 0) {
        symbols->opened = bump_take(&symbols->bump, count * sizeof *symbols->opened);
        if (symbols->opened != NULL)
            return true;
        bump_close(&symbols->bump);
    }
    return error_set(error, "there is no memory for symbols; free some or raise the limit (ulimit -v)");
}

static void close_module(struct symbol_module *module)
{
    if (!module->is_opened)
        return;
    c_symbols_close(module->c);
    if (module->has_go)
        go_table_close(&module->go);
    if (module->has_file)
        program_file_close(&module->file);
    bump_close(&module->file_bump);
    symbol_file_close(&module->own);
    symbol_file_close(&module->debug);
}

void symbols_close(struct symbols *symbols)
{
    for (uint64_t i = 0; i < symbols->modules_count && symbols->opened != NULL; i++)
        close_module(&symbols->opened[i]);
    HASH_CLEAR(hh, symbols->cache); /* its entries lie in the arena */
    bump_close(&symbols->bump);
    *symbols = (struct symbols){0};
}

/* ---- modules ---- */

static bool find_module(const struct symbols *symbols, uint64_t address, uint64_t *index)
{
    uint64_t low = 0, high = symbols->modules_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (symbols->modules[middle].start > address)
            high = middle;
        else
            low = middle + 1;
    }
    *index = low - 1;
    return low > 0 && address < symbols->modules[low - 1].end;
}

/* By the descriptor that was held against the build id, not by its path: another file may be there by now. */
static void open_go(struct symbol_module *module)
{
    char path[64];
    struct error ignored;
    struct elf_image image;
    snprintf(path, sizeof path, "/proc/self/fd/%d", module->own.fd);
    if (bump_open(&module->file_bump, FILE_BUMP_BYTES) != 0)
        return;
    module->has_file = program_file_open(&module->file, path, &module->file_bump, &ignored);
    if (!module->has_file || !elf_image_read(&image, &module->file.reader, module->file.base))
        return;
    elf_image_read_sections(&image, path);
    uint8_t *scratch = bump_take(&module->file_bump, RUNTIME_FIND_SCRATCH_BYTES);
    module->has_go = scratch != NULL && go_table_open(&module->go, &image, scratch);
}

static struct symbol_module *open_module(struct symbols *symbols, uint64_t index)
{
    struct symbol_module *module = &symbols->opened[index];
    if (module->is_opened)
        return module;
    module->is_opened = true;
    module->own.fd = module->debug.fd = -1;
    if (symbol_file_find(&module->own, &symbols->modules[index], &symbols->options, &module->why))
        open_go(module);
    return module;
}

static struct c_symbols *open_c(struct symbols *symbols, uint64_t index)
{
    struct symbol_module *module = &symbols->opened[index];
    if (module->is_c_opened || module->own.fd < 0)
        return module->c;
    module->is_c_opened = true;
    symbol_file_find_debug(&module->debug, &symbols->modules[index], &symbols->options);
    module->c = c_symbols_open(module->own.path, module->own.fd, module->debug.path, module->debug.fd);
    if (module->c == NULL)
        error_set(&module->why, "%s: its symbols cannot be read: the file is damaged", symbols->modules[index].path);
    return module->c;
}

const char *symbols_module_why(const struct symbols *symbols, uint64_t index)
{
    const struct symbol_module *module = &symbols->opened[index];
    return module->is_opened && module->why.text[0] != '\0' ? module->why.text : NULL;
}

/* ---- resolving ---- */

static uint32_t resolve_go(struct symbols *symbols, const struct symbol_module *module, uint64_t address,
                           struct symbol_frame *frames)
{
    struct go_frame found[FRAMES_MAX];
    char name[GO_NAME_BYTES_MAX];
    uint32_t count = module->has_go ? go_table_resolve(&module->go, address + module->file.bias, found, FRAMES_MAX) : 0;
    for (uint32_t i = 0; i < count; i++) {
        go_name_for_print(&module->go, found[i].function, name);
        frames[i] = (struct symbol_frame){
            .function = symbol_text_copy(&symbols->bump, name),
            .file = symbol_text_copy(&symbols->bump, found[i].file),
            .line = found[i].line,
            .is_inlined = found[i].is_inlined,
            .is_wrapper = found[i].is_wrapper,
        };
    }
    return count;
}

static const char *copy_path(struct symbols *symbols, const struct c_frame *frame)
{
    char path[PATH_MAX];
    if (frame->file == NULL || frame->directory == NULL)
        return symbol_text_copy(&symbols->bump, frame->file);
    snprintf(path, sizeof path, "%s/%s", frame->directory, frame->file);
    return symbol_text_copy(&symbols->bump, path);
}

static uint32_t resolve_c(struct symbols *symbols, uint64_t index, uint64_t address, struct symbol_frame *frames)
{
    struct c_frame found[FRAMES_MAX];
    struct c_symbols *c = open_c(symbols, index);
    uint32_t count = c == NULL ? 0 : c_symbols_resolve(c, address, found, FRAMES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        frames[i] = (struct symbol_frame){
            .function = symbol_text_copy(&symbols->bump, found[i].function),
            .file = copy_path(symbols, &found[i]),
            .line = found[i].line,
            .is_inlined = found[i].is_inlined,
        };
    }
    return count;
}

/* Go's table also has the C functions that Go itself linked in, but only their names; of the rest libdw may know more.
 */
static uint32_t resolve_in_module(struct symbols *symbols, uint64_t index, uint64_t address,
                                  struct symbol_frame *frames)
{
    struct symbol_frame of_c[FRAMES_MAX];
    struct symbol_module *module = open_module(symbols, index);
    uint32_t count = resolve_go(symbols, module, address, frames);
    if (count > 0 && frames[0].file != NULL)
        return count;
    uint32_t of_c_count = resolve_c(symbols, index, address, of_c);
    if (of_c_count == 0 || (count > 0 && (of_c[0].function == NULL || of_c[0].file == NULL)))
        return count;
    memcpy(frames, of_c, of_c_count * sizeof *frames);
    return of_c_count;
}

static uint32_t resolve(struct symbols *symbols, uint64_t address, struct symbol_frame *frames)
{
    uint64_t index;
    frames[0] = (struct symbol_frame){0};
    if (!find_module(symbols, address, &index))
        return 1;
    const struct dump_module *module = &symbols->modules[index];
    uint32_t count = resolve_in_module(symbols, index, address - module->bias, frames);
    count += count == 0;
    for (uint32_t i = 0; i < count; i++) {
        frames[i].module = module->path;
        frames[i].address_in_file = address - module->bias;
    }
    return count;
}

/* Kept for the next time, unless there is no memory. */
static void keep(struct symbols *symbols, uint64_t address, const struct symbol_frame *frames, uint32_t count)
{
    struct symbol_cache *entry = bump_take(&symbols->bump, sizeof *entry);
    struct symbol_frame *copy = entry == NULL ? NULL : bump_take(&symbols->bump, count * sizeof *copy);
    if (copy == NULL)
        return;
    memcpy(copy, frames, count * sizeof *copy);
    *entry = (struct symbol_cache){.address = address, .frames = copy, .count = count};
    HASH_ADD(hh, symbols->cache, address, sizeof entry->address, entry);
}

uint32_t symbols_resolve(struct symbols *symbols, uint64_t address, bool is_return_address, struct symbol_frame *frames,
                         uint32_t frames_max)
{
    struct symbol_frame found[FRAMES_MAX];
    struct symbol_cache *entry;
    const struct symbol_frame *all = found;
    uint32_t count;
    address -= is_return_address;
    HASH_FIND(hh, symbols->cache, &address, sizeof address, entry);
    if (entry != NULL) {
        all = entry->frames;
        count = entry->count;
    } else {
        count = resolve(symbols, address, found);
        keep(symbols, address, found, count);
    }
    count = count < frames_max ? count : frames_max;
    memcpy(frames, all, count * sizeof *frames);
    return count;
}
