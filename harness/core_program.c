/* SPDX-License-Identifier: Apache-2.0
 *
 * Files in place of what the core left out: text and tables of the program and its libraries.
 *
 * A file is the same when its first page is the one that the core holds of the mapping at offset 0: the ELF header, the
 * program headers, and the build id, which linkers put right behind them. A name in a core may be anything, so only
 * regular files are opened: opening a device may do something.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goruntime/elf_image.h"
#include "harness/core_memory.h"
#include "memory/units.h"

enum { FRONT_BYTES = 4096, ID_TEXT_BYTES = 192 };

/* ---- the first page ---- */

struct front {
    uint8_t bytes[FRONT_BYTES];
    uint64_t count;
};

/* What the core itself holds of it. False: too little, or no ELF image. */
static bool read_front_of_core(const struct core_file *core, const struct vma *vma, struct front *front)
{
    const struct core_part *part = &core->parts[vma - core->vmas.vmas];
    front->count = min_u64(part->bytes, FRONT_BYTES);
    return vma->file_offset_bytes == 0 && front->count >= sizeof(Elf64_Ehdr) &&
           core_read_file(core->fd, front->bytes, front->count, part->file_offset) &&
           memcmp(front->bytes, ELFMAG, SELFMAG) == 0;
}

/* Behind the end of a file that is shorter than a page there are zeros in memory. */
static bool read_front_of_file(int fd, uint64_t count, struct front *front)
{
    memset(front, 0, sizeof *front);
    front->count = count;
    return pread(fd, front->bytes, count, 0) >= 0;
}

/* A reader over the first page alone, at the place where it was mapped. */
struct front_reader {
    struct reader reader;
    const struct front *front;
    uintptr_t start;
};

static int read_front(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes)
{
    const struct front_reader *self = (const struct front_reader *)reader;
    uint64_t offset = address - self->start;
    if (address < self->start || offset > self->front->count || bytes > self->front->count - offset)
        return -1;
    memcpy(buffer, self->front->bytes + offset, bytes);
    return 0;
}

/* The linker's, or what Go's own linker writes instead: "build id 5e6f", "Go build id abc/def", "no build id". */
static void build_id_text(const struct front *front, char text[ID_TEXT_BYTES])
{
    static struct elf_image image;
    struct front_reader reader = {{read_front}, front, FRONT_BYTES};
    bool is_read = elf_image_read(&image, &reader.reader, reader.start);
    if (!is_read || (image.build_id_bytes == 0 && image.go_build_id_bytes == 0)) {
        snprintf(text, ID_TEXT_BYTES, "no build id");
    } else if (image.build_id_bytes == 0) {
        snprintf(text, ID_TEXT_BYTES, "Go build id %.*s", (int)image.go_build_id_bytes,
                 (const char *)image.go_build_id);
    } else {
        size_t filled = (size_t)snprintf(text, ID_TEXT_BYTES, "build id ");
        for (uint32_t i = 0; i < image.build_id_bytes; i++)
            filled += (size_t)snprintf(text + filled, 3, "%02x", image.build_id[i]);
    }
}

/* ---- files ---- */

/* A descriptor, or -errno. Looked at before it is opened for reading. */
static int open_regular(const char *path, uint64_t *bytes)
{
    struct stat status;
    char link[32];
    int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0)
        return -errno;
    int fd = -EINVAL;
    if (fstat(place, &status) == 0 && S_ISREG(status.st_mode)) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", place);
        fd = open(link, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            fd = -errno;
        *bytes = (uint64_t)status.st_size;
    }
    close(place);
    return fd;
}

static bool is_same_file(const struct core_file *core, const struct vma *front_vma, int fd)
{
    struct front in_core, in_file;
    return read_front_of_core(core, front_vma, &in_core) && read_front_of_file(fd, in_core.count, &in_file) &&
           memcmp(in_core.bytes, in_file.bytes, in_core.count) == 0;
}

static struct core_stand_in *find_stand_in(struct core_file *core, const char *name)
{
    for (uint32_t i = 0; i < core->stand_ins_count; i++) {
        if (strcmp(core->stand_ins[i].name, name) == 0)
            return &core->stand_ins[i];
    }
    return NULL;
}

static struct core_stand_in *add_stand_in(struct core_file *core, const char *name)
{
    if (core->stand_ins_count == CORE_STAND_INS_MAX)
        return NULL;
    struct core_stand_in *file = &core->stand_ins[core->stand_ins_count++];
    *file = (struct core_stand_in){.name = name, .path = name, .fd = -1};
    return file;
}

const struct core_stand_in *core_stand_in_of(struct core_file *core, const struct vma *vma)
{
    if (!vma_is_file(vma))
        return NULL;
    struct core_stand_in *file = find_stand_in(core, vma->name);
    if (file != NULL)
        return file->fd < 0 ? NULL : file;
    const struct vma *front = vma_front_of_file(&core->vmas, vma);
    file = front == NULL ? NULL : add_stand_in(core, vma->name);
    if (file == NULL)
        return NULL;
    file->fd = open_regular(file->path, &file->bytes);
    if (file->fd >= 0 && !is_same_file(core, front, file->fd)) {
        close(file->fd);
        file->fd = -1;
    }
    return file->fd < 0 ? NULL : file;
}

const char *core_file_path(struct core_file *core, const struct vma *vma)
{
    const struct core_stand_in *file = core_stand_in_of(core, vma);
    return file == NULL ? NULL : file->path;
}

static bool refuse_program(const struct core_file *core, int fd, struct error *error)
{
    char in_core[ID_TEXT_BYTES], in_file[ID_TEXT_BYTES];
    struct front front;
    if (!read_front_of_core(core, core->program, &front))
        return error_set(error,
                         "cannot be compared with %s, which died: its first page is not in the core; let cores have it "
                         "(bit 4 of /proc/PID/coredump_filter)",
                         core->program->name);
    build_id_text(&front, in_core);
    read_front_of_file(fd, front.count, &front);
    build_id_text(&front, in_file);
    if (strcmp(in_core, in_file) == 0)
        return error_set(error,
                         "is not the program of this core: its first page differs from that of %s (both have "
                         "%s)",
                         core->program->name, in_core);
    return error_set(error, "is not the program of this core: that was %s with %s, this one has %s",
                     core->program->name, in_core, in_file);
}

bool core_file_set_program(struct core_file *core, const char *exe, struct error *error)
{
    uint64_t bytes;
    if (core->program == NULL)
        return error_set(error, "cannot be compared: the core does not tell where its program lay (notes NT_AUXV and "
                                "NT_FILE); make it with the kernel or with gdb's gcore");
    int fd = open_regular(exe, &bytes);
    if (fd < 0)
        return error_set(error, "cannot be opened: %s", fd == -EINVAL ? "it is no regular file" : strerror(-fd));
    if (!is_same_file(core, core->program, fd)) {
        refuse_program(core, fd, error);
        close(fd);
        return false;
    }
    struct core_stand_in *file = find_stand_in(core, core->program->name);
    if (file == NULL)
        file = add_stand_in(core, core->program->name);
    if (file == NULL) {
        close(fd);
        return error_set(error, "cannot be used: more than %d files of this core were opened", CORE_STAND_INS_MAX);
    }
    if (file->fd >= 0)
        close(file->fd);
    *file = (struct core_stand_in){.name = core->program->name, .path = exe, .fd = fd, .bytes = bytes};
    return true;
}
