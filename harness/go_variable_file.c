/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking for debug information. libdw reads it from a descriptor, compressed or not; servers are not asked.
 *
 * An attribute of a type says where its descriptor lies, as a distance from the section that the linker had the types
 * in. Under what name that section is in the file, and what else the C linker put before it, depends on version and
 * form of the program (.rodata, .data.rel.ro, .go.type). The runtime's own symbol for the beginning does not: with it
 * the distance is right in all of them, from go1.19 to go1.27.
 */
#include "harness/go_variable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/go_variable_dwarf.h"

/* What a file was found to be. */
enum finding { HAS_ALL, NO_ELF, NO_GO, NO_DWARF, NO_TYPES };

static const char TYPES_SYMBOL[] = "runtime.types";

/* ---- one file ---- */

static bool find_symbol(Elf_Data *data, const Elf_Data *names, uint64_t count, uintptr_t *address)
{
    for (uint64_t i = 0; i < count && i <= INT_MAX; i++) {
        GElf_Sym symbol;
        if (gelf_getsym(data, (int)i, &symbol) == NULL)
            return false;
        if (symbol.st_shndx != SHN_UNDEF && symbol.st_name <= names->d_size &&
            names->d_size - symbol.st_name >= sizeof TYPES_SYMBOL &&
            memcmp((const char *)names->d_buf + symbol.st_name, TYPES_SYMBOL, sizeof TYPES_SYMBOL) == 0) {
            *address = symbol.st_value;
            return *address != 0;
        }
    }
    return false;
}

static bool find_types(Elf *elf, uintptr_t *address)
{
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_SYMTAB || header.sh_entsize == 0)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        Elf_Scn *linked = elf_getscn(elf, header.sh_link);
        Elf_Data *names = linked == NULL ? NULL : elf_getdata(linked, NULL);
        if (data != NULL && names != NULL && names->d_buf != NULL &&
            find_symbol(data, names, header.sh_size / header.sh_entsize, address))
            return true;
    }
    return false;
}

static bool has_go_section(Elf *elf)
{
    size_t names;
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    if (elf_getshdrstrndx(elf, &names) != 0)
        return false;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        const char *name = gelf_getshdr(section, &header) == NULL ? NULL : elf_strptr(elf, names, header.sh_name);
        if (name != NULL && (strcmp(name, ".go.buildinfo") == 0 || strcmp(name, ".note.go.buildid") == 0))
            return true;
    }
    return false;
}

static bool has_go_unit(Dwarf *dwarf)
{
    struct go_unit unit = {0};
    return go_unit_next(&unit, dwarf);
}

/* file->file is open. What is not wanted is closed. */
static enum finding examine(struct go_variable_file *file)
{
    elf_version(EV_CURRENT);
    file->dwarf = dwarf_begin(file->file.fd, DWARF_C_READ);
    if (file->dwarf == NULL) { /* libdw refuses files without debug information altogether */
        Elf *elf = elf_begin(file->file.fd, ELF_C_READ, NULL);
        bool is_elf = elf != NULL && elf_kind(elf) == ELF_K_ELF;
        bool is_go = is_elf && has_go_section(elf);
        elf_end(elf);
        return !is_elf ? NO_ELF : is_go ? NO_DWARF : NO_GO;
    }
    Elf *elf = dwarf_getelf(file->dwarf);
    if (!has_go_unit(file->dwarf))
        return has_go_section(elf) ? NO_DWARF : NO_GO;
    return find_types(elf, &file->types) ? HAS_ALL : NO_TYPES;
}

static void close_all(struct go_variable_file *file)
{
    dwarf_end(file->dwarf);
    file->dwarf = NULL;
    symbol_file_close(&file->file);
}

/* ---- the search ---- */

static bool open_program(struct go_variable_file *file, const char *path, struct error *error)
{
    struct stat status;
    int length = snprintf(file->file.path, sizeof file->file.path, "%s", path);
    if (length < 0 || (size_t)length >= sizeof file->file.path)
        return error_set(error, "cannot be read: %s", strerror(ENAMETOOLONG));
    file->file.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->file.fd < 0)
        return error_set(error, "cannot be read: %s", strerror(errno));
    if (fstat(file->file.fd, &status) == 0 && S_ISREG(status.st_mode))
        return true;
    symbol_file_close(&file->file);
    return error_set(error, "cannot be read: no regular file");
}

/* The name that the program has in a directory is not that of the link /proc/PID/exe. */
static const char *name_of(const char *path, char name[PATH_MAX])
{
    ssize_t length = readlink(path, name, PATH_MAX - 1);
    if (length <= 0)
        return path;
    name[length] = '\0';
    return name;
}

static bool search(struct go_variable_file *file, const struct dump_module *module,
                   const struct symbols_options *symbols)
{
    struct error unused;
    if (symbol_file_find(&file->file, module, symbols, &unused)) {
        if (examine(file) == HAS_ALL)
            return true;
        close_all(file);
    }
    if (symbol_file_find_debug(&file->file, module, symbols)) {
        if (examine(file) == HAS_ALL)
            return true;
        close_all(file);
    }
    return false;
}

static bool explain(enum finding finding, const char *build_id, struct error *error)
{
    enum { DIGITS_SHOWN = 16 };
    switch (finding) {
    case NO_ELF:
        return error_set(error, "is no ELF file; give the program itself");
    case NO_GO:
        return error_set(error, "is no Go program: it has no build information of Go");
    case NO_TYPES:
        return error_set(error,
                         "its debug information is there, but not the symbol %s: only gc, the usual Go compiler, "
                         "makes programs that can be read; keep the symbols (no strip)",
                         TYPES_SYMBOL);
    case HAS_ALL:
    case NO_DWARF:
        break;
    }
    return error_set(error,
                     "has no debug information (DWARF), without which variables and types have no names; built with "
                     "-ldflags=-s or -w it must be built without and started anew (another build does not fit this "
                     "one), stripped later name a directory with the unstripped program or its debug file "
                     "(--symbols DIR)%s%.*s",
                     build_id[0] == '\0' ? "" : ", build id ", DIGITS_SHOWN, build_id);
}

bool go_variable_file_open(struct go_variable_file *file, const char *program_path,
                           const struct symbols_options *symbols, struct error *error)
{
    static const struct symbols_options NOWHERE;
    char build_id[SYMBOL_FILE_ID_BYTES], name[PATH_MAX];
    *file = (struct go_variable_file){.file.fd = -1};
    if (!open_program(file, program_path, error))
        return false;
    symbol_file_read_id(&file->file, build_id);
    enum finding finding = examine(file);
    if (finding == HAS_ALL)
        return true;
    close_all(file);
    const struct dump_module module = {.path = name_of(program_path, name),
                                       .build_id = build_id[0] == '\0' ? NULL : build_id};
    return (finding == NO_DWARF && search(file, &module, symbols == NULL ? &NOWHERE : symbols)) ||
           explain(finding, build_id, error);
}

void go_variable_file_close(struct go_variable_file *file)
{
    close_all(file);
}
