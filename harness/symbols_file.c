/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking for files by build id. A path comes from the dump and may name anything: only a regular file is read.
 */
#include "harness/symbols_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goruntime/elf_image.h"
#include "memory/units.h"

enum { GO_BUILD_ID_NOTE = 4, ID_DIGITS_MAX = 2 * ELF_GO_BUILD_ID_BYTES, ID_DIRECTORY_DIGITS = 2, ID_DIGITS_SHOWN = 16 };

struct search {
    struct symbol_file *file;
    const struct dump_module *module;
    char found_id[ID_DIGITS_MAX + 1]; /* of a file that was there and is another one */
    bool is_other;                    /* there was one */
    bool is_no_elf;                   /* there was something else */
    int open_error;                   /* of the module's path */
};

/* ---- build ids ---- */

static void format_id(const uint8_t *bytes, uint64_t count, char *digits)
{
    for (uint64_t i = 0; i < count; i++)
        snprintf(digits + 2 * i, 3, "%02x", bytes[i]);
}

/* The first of `name` and `type` in a section of notes. */
static bool find_note(Elf_Data *data, const char *name, size_t name_bytes, GElf_Word type, uint64_t bytes_max,
                      char *digits)
{
    GElf_Nhdr note;
    size_t name_at, content_at, next;
    for (size_t at = 0; (next = gelf_getnote(data, at, &note, &name_at, &content_at)) > 0; at = next) {
        const uint8_t *bytes = data->d_buf;
        if (note.n_type != type || note.n_namesz != name_bytes || memcmp(bytes + name_at, name, name_bytes) != 0 ||
            note.n_descsz == 0 || note.n_descsz > bytes_max)
            continue;
        format_id(bytes + content_at, note.n_descsz, digits);
        return true;
    }
    return false;
}

/* Both, as digits; "" where there is none. */
struct ids {
    char gnu[2 * ELF_BUILD_ID_BYTES + 1];
    char go[ID_DIGITS_MAX + 1];
};

static void read_notes(Elf_Data *data, struct ids *ids)
{
    if (ids->gnu[0] == '\0')
        find_note(data, "GNU", sizeof "GNU", NT_GNU_BUILD_ID, ELF_BUILD_ID_BYTES, ids->gnu);
    if (ids->go[0] == '\0')
        find_note(data, "Go\0", sizeof "Go\0", GO_BUILD_ID_NOTE, ELF_GO_BUILD_ID_BYTES, ids->go);
}

/* Of files of debug information only the sections have any. */
static void read_sections(Elf *elf, struct ids *ids)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_NOTE)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        if (data != NULL)
            read_notes(data, ids);
    }
}

/* Of files without section headers only these. */
static void read_segments(Elf *elf, struct ids *ids)
{
    size_t count = 0;
    GElf_Phdr program;
    if (elf_getphdrnum(elf, &count) != 0)
        return;
    for (size_t i = 0; i < count && i <= INT_MAX; i++) {
        if (gelf_getphdr(elf, (int)i, &program) == NULL || program.p_type != PT_NOTE)
            continue;
        Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)program.p_offset, program.p_filesz,
                                              program.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
        if (data != NULL)
            read_notes(data, ids);
    }
}

/* False: it is no ELF file. */
static bool read_ids(int fd, struct ids *ids)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    bool is_elf = elf != NULL && elf_kind(elf) == ELF_K_ELF;
    *ids = (struct ids){0};
    if (is_elf) {
        read_sections(elf, ids);
        read_segments(elf, ids);
    }
    elf_end(elf);
    return is_elf;
}

/* ---- candidates ---- */

/* O_NONBLOCK: a FIFO of that name does not hold us up. */
static int open_regular(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        return fd;
    close(fd);
    return -EINVAL;
}

/* Either will do: what Go 1.24 and later link themselves has a GNU build id in the file that memory does not show. */
static bool is_wanted(const struct dump_module *module, const struct ids *ids)
{
    if (module->build_id == NULL)
        return ids->gnu[0] == '\0' && ids->go[0] == '\0';
    return strcmp(module->build_id, ids->gnu) == 0 || strcmp(module->build_id, ids->go) == 0;
}

/* Is search->file->path the one? Then it stays open. */
static bool try_path(struct search *search, int *error)
{
    struct ids ids;
    int fd = open_regular(search->file->path);
    *error = fd < 0 ? fd : 0;
    if (fd < 0)
        return false;
    bool is_elf = read_ids(fd, &ids);
    if (is_elf && is_wanted(search->module, &ids)) {
        search->file->fd = fd;
        return true;
    }
    close(fd);
    search->is_no_elf |= !is_elf;
    if (!is_elf)
        return false;
    search->is_other = true;
    bool is_gnu = search->module->build_id == NULL || strlen(search->module->build_id) == strlen(ids.gnu);
    snprintf(search->found_id, sizeof search->found_id, "%s", is_gnu || ids.go[0] == '\0' ? ids.gnu : ids.go);
    return false;
}

__attribute__((format(printf, 2, 3))) static bool try(struct search *search, const char *format, ...)
{
    int error;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(search->file->path, sizeof search->file->path, format, arguments);
    va_end(arguments);
    return length > 0 && (size_t)length < sizeof search->file->path && try_path(search, &error);
}

/* DIRECTORY/.build-id/xx/yyyy.debug */
static bool try_by_id(struct search *search, const char *directory)
{
    const char *id = search->module->build_id;
    return id != NULL && strlen(id) > ID_DIRECTORY_DIGITS && strlen(id) < sizeof((struct ids *)NULL)->gnu &&
           try(search, "%s/.build-id/%.*s/%s.debug", directory, ID_DIRECTORY_DIGITS, id, id + ID_DIRECTORY_DIGITS);
}

static const char *root_of(const struct symbols_options *options)
{
    return options->root == NULL ? "" : options->root;
}

/* The module's path without what the kernel says of a file that was removed: another may be there now. */
static int path_bytes(const char *path)
{
    static const char DELETED[] = " (deleted)";
    size_t bytes = strnlen(path, PATH_MAX);
    bool is_deleted = bytes >= sizeof DELETED && strcmp(path + bytes - (sizeof DELETED - 1), DELETED) == 0;
    return (int)(is_deleted ? bytes - (sizeof DELETED - 1) : bytes);
}

static bool try_directories(struct search *search, const struct symbols_options *options)
{
    const char *path = search->module->path;
    int bytes = path_bytes(path);
    const char *slash = memrchr(path, '/', (size_t)bytes);
    const char *name = slash == NULL ? path : slash + 1;
    int name_bytes = bytes - (int)(name - path);
    for (uint64_t i = 0; i < options->directories_count; i++) {
        const char *directory = options->directories[i];
        if ((name_bytes > 0 && try(search, "%s/%.*s", directory, name_bytes, name)) ||
            (path[0] == '/' && try(search, "%s%.*s", directory, bytes, path)))
            return true;
    }
    return false;
}

static bool try_place(struct search *search, const struct symbols_options *options)
{
    const char *path = search->module->path;
    search->open_error = -ENOENT;
    if (path[0] != '/')
        return false;
    snprintf(search->file->path, sizeof search->file->path, "%s%.*s", root_of(options), path_bytes(path), path);
    return try_path(search, &search->open_error);
}

static bool try_debug(struct search *search, const struct symbols_options *options)
{
    char directory[PATH_MAX];
    for (uint64_t i = 0; i < options->directories_count; i++) {
        if (try_by_id(search, options->directories[i]))
            return true;
    }
    int length = snprintf(directory, sizeof directory, "%s/usr/lib/debug", root_of(options));
    return length > 0 && (size_t)length < sizeof directory && try_by_id(search, directory);
}

static bool explain(const struct search *search, struct error *error)
{
    const struct dump_module *module = search->module;
    static const char MEND[] = "name a directory that has the right one (--symbols)";
    if (module->path[0] == '[')
        return error_set(error, "%s: is the kernel's own, there is no file of it", module->path);
    if (!search->is_other && search->is_no_elf)
        return error_set(error, "%s: is no ELF file; %s", module->path, MEND);
    if (!search->is_other)
        return error_set(error, "%s: cannot be read: %s; %s", module->path,
                         search->open_error == -EINVAL ? "no regular file" : strerror(-search->open_error), MEND);
    if (module->build_id == NULL || search->found_id[0] == '\0')
        return error_set(error, "%s: the file is not the one that ran: only one of them has a build id; %s",
                         module->path, MEND);
    return error_set(error, "%s: the file is not the one that ran: it has build id %.*s, that one had %.*s; %s",
                     module->path, ID_DIGITS_SHOWN, search->found_id, ID_DIGITS_SHOWN, module->build_id, MEND);
}

bool symbol_file_find(struct symbol_file *file, const struct dump_module *module, const struct symbols_options *options,
                      struct error *error)
{
    struct search search = {.file = file, .module = module};
    file->fd = -1;
    return try_directories(&search, options) || try_place(&search, options) || try_debug(&search, options) ||
           explain(&search, error);
}

bool symbol_file_find_debug(struct symbol_file *file, const struct dump_module *module,
                            const struct symbols_options *options)
{
    struct search search = {.file = file, .module = module};
    file->fd = -1;
    return try_debug(&search, options);
}

void symbol_file_read_id(const struct symbol_file *file, char digits[SYMBOL_FILE_ID_BYTES])
{
    struct ids ids;
    read_ids(file->fd, &ids);
    snprintf(digits, SYMBOL_FILE_ID_BYTES, "%s", ids.gnu[0] != '\0' ? ids.gnu : ids.go);
}

void symbol_file_close(struct symbol_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}
