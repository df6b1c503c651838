/* SPDX-License-Identifier: Apache-2.0
 *
 * The loader's rules for LD_PRELOAD (ld.so(8)), asked before a program is started, when a sentence still helps.
 */
#include "harness/shim_library.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char LIBRARY[] = "libgopagewatch.so";

bool shim_library_find(char path[PATH_MAX], struct error *error)
{
    /* From bin/gopagewatch, or build/gopagewatch. */
    static const char *const PLACES[] = {"", "../lib/", "../lib/gopagewatch/", "../lib/x86_64-linux-gnu/", "../lib64/"};
    char self[PATH_MAX];
    ssize_t bytes = readlink("/proc/self/exe", self, sizeof self - 1);
    if (bytes <= 0)
        return error_set(error, "cannot tell where it lies: /proc/self/exe: %s", strerror(errno));
    self[bytes] = '\0';
    char *name = strrchr(self, '/');
    if (name == NULL)
        return error_set(error, "cannot tell where it lies: %s is no path", self);
    name[1] = '\0';
    for (unsigned i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        char tried[2 * PATH_MAX];
        snprintf(tried, sizeof tried, "%s%s%s", self, PLACES[i], LIBRARY);
        if (access(tried, R_OK) == 0 && realpath(tried, path) != NULL)
            return true;
    }
    return error_set(error, "%s is not beside this command (%s) nor in its ../lib; run 'make' or 'make install' again",
                     LIBRARY, self);
}

/* ---- would it load? ---- */

static bool has_needed_library(Elf *elf)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        Elf_Data *data;
        if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_DYNAMIC ||
            (data = elf_getdata(section, NULL)) == NULL)
            continue;
        for (size_t i = 0; i < data->d_size / sizeof(Elf64_Dyn); i++) {
            GElf_Dyn entry;
            if (gelf_getdyn(data, (int)i, &entry) != NULL && entry.d_tag == DT_NEEDED)
                return true;
        }
    }
    return false;
}

static bool has_interpreter(Elf *elf)
{
    size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr program;
        if (gelf_getphdr(elf, (int)i, &program) != NULL && program.p_type == PT_INTERP)
            return true;
    }
    return false;
}

static bool check_elf(Elf *elf, struct error *error)
{
    static const char OUTSIDE[] = "start it by itself and use 'gopagewatch attach PID'";
    GElf_Ehdr header;
    if (elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &header) == NULL)
        return true; /* a script: its interpreter loads the library and passes it on */
    if (gelf_getclass(elf) != ELFCLASS64 || header.e_machine != EM_X86_64)
        return error_set(error, "is no 64-bit program for amd64, and the shim is one");
    if (!has_interpreter(elf))
        return error_set(error, "is statically linked and loads no library; %s", OUTSIDE);
    if (!has_needed_library(elf))
        return error_set(error,
                         "was built with CGO_ENABLED=0: it loads the shim, but its threads are not libc's, so the "
                         "shim stays out of it; %s",
                         OUTSIDE);
    return true;
}

static bool check_rights(const char *path, const struct stat *status, struct error *error)
{
    bool is_setuid = (status->st_mode & S_ISUID) != 0 && status->st_uid != geteuid();
    bool is_setgid = (status->st_mode & S_ISGID) != 0 && status->st_gid != getegid();
    bool has_capabilities = geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
    if (is_setuid || is_setgid || has_capabilities)
        return error_set(error,
                         "gets rights by its file (%s), so the loader ignores LD_PRELOAD; as root start it by "
                         "itself and use 'gopagewatch attach PID'",
                         is_setuid   ? "setuid"
                         : is_setgid ? "setgid"
                                     : "capabilities");
    return true;
}

bool shim_library_would_load(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set(error, "cannot be started: %s", strerror(errno));
    if (S_ISDIR(status.st_mode))
        return error_set(error, "is a directory; name a program");
    if (access(path, X_OK) != 0)
        return error_set(error, "may not be executed: %s; chmod +x, or name another file", strerror(errno));
    if (!check_rights(path, &status, error))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) /* what may be executed need not be readable */
        return true;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    bool is_right = elf == NULL || check_elf(elf, error);
    elf_end(elf);
    close(fd);
    return is_right;
}
