/* SPDX-License-Identifier: Apache-2.0
 *
 * The Go runtime that a variable belongs to is the one whose module has it in its debug information: the program, or a
 * library that was built with -buildmode=c-shared.
 */
#include "harness/map_look.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "dump/document_maps.h"
#include "goruntime/elf_image.h"
#include "harness/program_file.h"

static bool refuse_memory(struct error *error)
{
    return error_set(error, "there is no memory to look at it; free some or raise the limit (ulimit -v)");
}

/* ---- opening ---- */

static bool open_residency(struct map_look *look, struct error *error)
{
    void *buffer = bump_take(&look->outside->bump, RESIDENCY_BUFFER_BYTES);
    if (buffer == NULL)
        return refuse_memory(error);
    int result = residency_open(&look->own_residency, look->live.pagemap, look->outside->source.os_page_bytes, buffer);
    if (result != 0)
        return live_process_refuse(&look->live.process, look->live.pagemap, result, error);
    look->own_residency.pace = &look->live.pace;
    look->residency = &look->own_residency;
    return true;
}

bool map_look_open_process(struct map_look *look, const char *subcommand, int pid, const char *thing,
                           struct error *error)
{
    *look = (struct map_look){.own_residency.fd = -1};
    if (!live_look_open(&look->live, subcommand, pid, thing, error))
        return false;
    live_look_be_light(&look->live);
    look->outside = look->live.outside;
    if (outside_find_modules(look->outside, error) && open_residency(look, error))
        return true;
    map_look_close(look);
    return false;
}

static const char *core_path(void *core, const struct vma *vma)
{
    return core_file_path(core, vma);
}

static bool open_core(struct map_look *look, const char *program, const char *path, bool *is_program,
                      struct error *error)
{
    struct core_file *core = bump_take(&look->outside->bump, sizeof *core);
    if (core == NULL)
        return refuse_memory(error);
    if (!core_file_open(core, path, &look->outside->bump, error))
        return false;
    look->core = core;
    *is_program = true;
    if (!core_file_set_program(core, program, error))
        return false;
    *is_program = false;
    look->outside->where = (struct modules_source){&core->vmas, &core->reader, core_path, core};
    look->outside->source.os_page_bytes = core->notes.os_page_bytes;
    look->outside->document.pid = core->notes.pid;
    look->outside->document.comm = core->notes.comm;
    look->residency = core->knows_residency ? &core->residency.residency : NULL;
    return outside_find_modules(look->outside, error);
}

bool map_look_open_core(struct map_look *look, const char *subcommand, const char *program, const char *core,
                        bool *is_program, struct error *error)
{
    *is_program = false;
    *look = (struct map_look){.own_residency.fd = -1, .outside = outside_open(subcommand, core)};
    if (look->outside == NULL)
        return refuse_memory(error);
    if (open_core(look, program, core, is_program, error))
        return true;
    if (look->core != NULL)
        core_file_close(look->core);
    outside_close(look->outside);
    return false;
}

void map_look_close(struct map_look *look)
{
    go_variables_free(&look->variables);
    residency_close(&look->own_residency);
    if (look->core == NULL) {
        live_look_close(&look->live);
        return;
    }
    core_file_close(look->core);
    outside_close(look->outside);
}

/* ---- the program's debug information ---- */

static bool is_same_id(const uint8_t *a, uint32_t a_bytes, const uint8_t *b, uint32_t b_bytes)
{
    return a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0;
}

/* Is the file that the user named the one that runs, but for what `strip` takes away? In another build everything lies
 * elsewhere. */
static bool check_program(const struct map_look *look, const struct module *module, const char *path,
                          struct error *error)
{
    struct program_file file;
    struct elf_image named, running;
    if (!program_file_open(&file, path, &look->outside->bump, error))
        return false;
    bool is_same =
        file.is_64_bit && elf_image_read(&named, &file.reader, file.base) &&
        elf_image_read(&running, look->outside->where.reader, module->runtime.image_start) &&
        is_same_id(named.build_id, named.build_id_bytes, running.build_id, running.build_id_bytes) &&
        is_same_id(named.go_build_id, named.go_build_id_bytes, running.go_build_id, running.go_build_id_bytes);
    program_file_close(&file);
    return is_same ||
           error_set(error, "is not the program that runs: its build id is another one ('go tool buildid FILE' shows "
                            "it); give the file as it was before strip, and what was built with -ldflags=-s or -w "
                            "build without and start anew");
}

static bool find_in_file(struct map_look *look, const struct map_question *question, const char *path,
                         struct error *error)
{
    if (question->what != NULL)
        return go_variable_find(&look->variables, path, question->symbols, question->what, MAP_LOOK_MAX, error);
    return go_variable_find_type(&look->variables, path, question->symbols, question->type_name, question->address,
                                 error);
}

static bool find_in_module(struct map_look *look, const struct map_question *question, const struct module *module,
                           struct error *error)
{
    char path[PATH_MAX + PROC_PATH_BYTES];
    struct error why;
    if (question->program != NULL && look->core == NULL) {
        if (check_program(look, module, question->program, &why) &&
            find_in_file(look, question, question->program, &why))
            return true;
        return error_set(error, "%s: %s", question->program, why.text);
    }
    const struct modules_source *where = &look->outside->where;
    const char *found = where->file_path(where->context, module->vma);
    if (found == NULL)
        return error_set(error, "%s: cannot be read any more; name a copy of it (--exe EXE)", module->vma->name);
    snprintf(path, sizeof path, "%s", found);
    return find_in_file(look, question, path, &why) || error_set(error, "%s: %s", module->vma->name, why.text);
}

/* Of several modules that all have not got it, the first is the program: what is said of that is what helps. */
const struct module *map_look_find(struct map_look *look, const struct map_question *question, struct error *error)
{
    struct error other;
    go_variables_free(&look->variables);
    const struct modules *modules = &look->outside->modules;
    for (uint32_t i = 0; i < modules->count; i++) {
        if (find_in_module(look, question, &modules->modules[i], i == 0 ? error : &other))
            return &modules->modules[i];
    }
    return NULL;
}

/* ---- the answers ---- */

bool map_look_source(const struct map_look *look, const struct module *module, bool is_deep, struct map_source *source,
                     struct error *error)
{
    struct elf_image image;
    if (!elf_image_read(&image, look->outside->where.reader, module->runtime.image_start))
        return error_set(error, "cannot be read any more; has the process ended?");
    *source = (struct map_source){
        .heap = &module->heap,
        .residency = look->residency,
        .bias = image.bias,
        .image_start = module->runtime.image_start,
        .image_end = module->runtime.image_end,
        .os_page_bytes = look->outside->source.os_page_bytes,
        .is_deep = is_deep,
    };
    return true;
}

bool map_look_answer(struct map_look *look, const struct map_question *question, struct map_answers *answers,
                     struct error *error)
{
    struct map_source source;
    const struct module *module = map_look_find(look, question, error);
    if (module == NULL || !map_look_source(look, module, question->is_deep, &source, error))
        return false;
    *answers = (struct map_answers){
        .answers = map_answers_make(look->variables.paths, look->variables.count, &source, &look->outside->bump),
        .count = look->variables.count,
        .left_out = look->variables.left_out,
        .module = module,
    };
    return answers->answers != NULL || refuse_memory(error);
}
