/* SPDX-License-Identifier: Apache-2.0
 *
 * The DWARF of a Go binary, of any version that libdw reads. The compiler's version stands in the units' producer
 * ("Go cmd/compile go1.19.8; regabi"), the experiments only in the build information.
 */
#include "tests/setup/layouts/source.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    GElf_Half machine;
} ARCHITECTURES[] = {{"amd64", EM_X86_64}, {"arm64", EM_AARCH64}};

static const char *dwarf_error(void)
{
    const char *text = dwarf_errmsg(-1);
    return text == NULL ? "damaged DWARF" : text;
}

/* In whichever unit it is. */
static bool look_for_struct(struct source *source, const char *type, Dwarf_Die *found)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Die unit_die;
    while (dwarf_get_units(source->dwarf, unit, &unit, NULL, NULL, &unit_die, NULL) == 0) {
        for (int state = dwarf_child(&unit_die, found); state == 0; state = dwarf_siblingof(found, found)) {
            const char *name;
            if (dwarf_tag(found) == DW_TAG_structure_type && (name = dwarf_diename(found)) != NULL &&
                strcmp(name, type) == 0 && !dwarf_hasattr(found, DW_AT_declaration))
                return true;
        }
    }
    return false;
}

static bool has_struct(struct source *source, const char *type)
{
    Dwarf_Die die;
    return look_for_struct(source, type, &die);
}

static void find_struct(struct source *source, const char *type, Dwarf_Die *found)
{
    if (!look_for_struct(source, type, found))
        refuse("%s: its DWARF has no struct %s", source->name, type);
}

static uint32_t bytes_of(struct source *source, Dwarf_Die *die, const char *what)
{
    Dwarf_Word bytes;
    if (dwarf_aggregate_size(die, &bytes) != 0 || bytes > UINT32_MAX)
        refuse("%s: %s has no size: %s", source->name, what, dwarf_error());
    return (uint32_t)bytes;
}

static uint32_t struct_bytes(struct source *source, const char *type)
{
    Dwarf_Die die;
    find_struct(source, type, &die);
    return bytes_of(source, &die, type);
}

/* Goes from a struct to the type of its field and adds the field's offset; false when it has no such field. */
static bool step_into(struct source *source, Dwarf_Die *die, const char *name, size_t length, uint64_t *offset)
{
    Dwarf_Die type, field;
    Dwarf_Attribute attribute;
    Dwarf_Word field_offset;
    if (dwarf_peel_type(die, &type) != 0)
        return false;
    for (int state = dwarf_child(&type, &field); state == 0; state = dwarf_siblingof(&field, &field)) {
        const char *field_name = dwarf_diename(&field);
        if (dwarf_tag(&field) != DW_TAG_member || field_name == NULL || strlen(field_name) != length ||
            memcmp(field_name, name, length) != 0)
            continue;
        if (dwarf_formudata(dwarf_attr(&field, DW_AT_data_member_location, &attribute), &field_offset) != 0 ||
            dwarf_formref_die(dwarf_attr(&field, DW_AT_type, &attribute), die) == NULL)
            refuse("%s: field %s: %s", source->name, field_name, dwarf_error());
        *offset += field_offset;
        return true;
    }
    return false;
}

static bool find_field(struct source *source, const char *type, const char *path, struct layout_field *found)
{
    Dwarf_Die die;
    uint64_t offset = 0;
    find_struct(source, type, &die);
    for (const char *name = path; *name != '\0';) {
        size_t length = strcspn(name, ".");
        if (!step_into(source, &die, name, length, &offset))
            return false;
        name += length + (name[length] == '.');
    }
    *found = (struct layout_field){(uint32_t)offset, bytes_of(source, &die, path)};
    return true;
}

static void close_binary(struct source *source)
{
    dwarf_end(source->dwarf);
}

/* N of go1.N; 0 when no unit is Go's. A program with cgo has units of C too. */
static unsigned compiler_minor(Dwarf *dwarf)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Die unit_die;
    Dwarf_Attribute attribute;
    unsigned minor;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &unit_die, NULL) == 0) {
        const char *producer = dwarf_formstring(dwarf_attr(&unit_die, DW_AT_producer, &attribute));
        const char *version = producer == NULL ? NULL : strstr(producer, "cmd/compile ");
        if (version != NULL && (version = strstr(version, "go1.")) != NULL && sscanf(version, "go1.%3u", &minor) == 1)
            return minor;
    }
    return 0;
}

/* The experiments at the end of the version in the build information, "" when there are none. go1.17 does not keep the
 * version in that section; nobody has built it with experiments that matter. */
static void read_experiments(Elf *elf, char *text, size_t bytes)
{
    enum { VERSION_LENGTH = 32, VERSION = 33 };
    Elf_Scn *section = NULL;
    size_t names;
    text[0] = '\0';
    if (elf_getshdrstrndx(elf, &names) != 0)
        return;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        const char *name = gelf_getshdr(section, &header) == NULL ? NULL : elf_strptr(elf, names, header.sh_name);
        const Elf_Data *data;
        if (name == NULL || strcmp(name, ".go.buildinfo") != 0 || (data = elf_getdata(section, NULL)) == NULL ||
            data->d_size <= VERSION)
            continue;
        const uint8_t *content = data->d_buf;
        size_t length = content[VERSION_LENGTH];
        if (length > data->d_size - VERSION)
            continue;
        const char *version = (const char *)content + VERSION;
        const char *mark = memmem(version, length, "X:", 2);
        if (mark != NULL)
            snprintf(text, bytes, "%.*s", (int)(version + length - mark - 2), mark + 2);
    }
}

static bool is_of_architecture(Elf *elf, const char *arch)
{
    GElf_Ehdr header;
    if (gelf_getehdr(elf, &header) == NULL)
        return false;
    for (unsigned i = 0; i < sizeof ARCHITECTURES / sizeof ARCHITECTURES[0]; i++) {
        if (header.e_machine == ARCHITECTURES[i].machine)
            return strcmp(arch, ARCHITECTURES[i].name) == 0;
    }
    return false;
}

static void check_origin(const struct source *source, const char *arch, const struct wanted *wanted)
{
    char experiments[WANTED_NAME_BYTES];
    Elf *elf = dwarf_getelf(source->dwarf);
    if (!is_of_architecture(elf, arch))
        refuse("%s: not for %s", source->name, arch);
    unsigned minor = compiler_minor(source->dwarf);
    if (minor == 0)
        refuse("%s: no Go compiler has written its DWARF", source->name);
    if (minor != wanted->minor)
        refuse("%s: built by go1.%u, not by go1.%u", source->name, minor, wanted->minor);
    read_experiments(elf, experiments, sizeof experiments);
    const char *experiment = wanted->experiment == NULL ? "" : wanted->experiment;
    if (strcmp(experiments, experiment) != 0)
        refuse("%s: built with the experiments \"%s\", not with \"%s\"", source->name, experiments, experiment);
}

struct source source_of_binary(const char *path, const char *arch, const struct wanted *wanted)
{
    struct source source = {
        .has_struct = has_struct, .struct_bytes = struct_bytes, .find_field = find_field, .close = close_binary};
    snprintf(source.name, sizeof source.name, "%s", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        refuse("%s: %s", path, strerror(errno));
    source.dwarf = dwarf_begin(fd, DWARF_C_READ);
    if (source.dwarf == NULL)
        refuse("%s: no DWARF can be read from it: %s", path, dwarf_error());
    check_origin(&source, arch, wanted);
    return source;
}
