/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of a program's file: will the shim be loaded into it, and what will be seen of its Go runtime?
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "goruntime/layout.h"
#include "harness/doctor_check.h"
#include "harness/go_variable_file.h"

static const struct {
    uint16_t machine;
    const char *name;
} MACHINES[] = {
    {EM_386, "32-bit x86"}, {EM_X86_64, "x86_64"}, {EM_ARM, "32-bit ARM"}, {EM_AARCH64, "arm64"},
    {EM_RISCV, "RISC-V"},   {EM_PPC64, "ppc64"},   {EM_S390, "s390x"},     {EM_MIPS, "MIPS"},
};

static const char *machine_name(uint16_t machine)
{
    for (unsigned i = 0; i < sizeof MACHINES / sizeof MACHINES[0]; i++) {
        if (MACHINES[i].machine == machine)
            return MACHINES[i].name;
    }
    return "a machine that is not known";
}

/* ---- what file it is ---- */

void check_file_kind(const struct doctor *doctor, struct remark *remark)
{
    const struct program_file *file = &doctor->program->file;
    if (file->is_elf)
        return;
    if (strncmp(file->front, "#!", 2) == 0) {
        remark_say(remark, VERDICT_NO, "it is a script, started by %.*s", (int)strcspn(file->front + 2, "\n"),
                   file->front + 2);
        remark_mend(remark, "name the Go program that it starts; the shim goes through scripts to that");
        return;
    }
    remark_say(remark, VERDICT_NO, "it is no program for Linux (not an ELF file)");
    remark_mend(remark, "name a Go program, or the id of a process");
}

void check_file_machine(const struct doctor *doctor, struct remark *remark)
{
    const struct program_file *file = &doctor->program->file;
    /* Of a 32-bit header the machine stands at the same place. */
    uint16_t machine;
    memcpy(&machine, file->front + offsetof(Elf64_Ehdr, e_machine), sizeof machine);
    if (file->is_64_bit && machine == EM_X86_64 && file->segments_count != 0) {
        remark_say(remark, VERDICT_OK, "x86_64");
        return;
    }
    if (file->is_64_bit && machine == EM_X86_64)
        remark_say(remark, VERDICT_NO, "its program headers cannot be read: the file is damaged or no program");
    else
        remark_say(remark, VERDICT_NO, "it is for %s%s: this version knows x86_64 only", machine_name(machine),
                   file->header.e_ident[EI_CLASS] == ELFCLASS32 && machine == EM_X86_64 ? " (x32)" : "");
    remark_mend(remark, "build it with GOARCH=amd64");
}

void check_file_go(const struct doctor *doctor, struct remark *remark)
{
    const struct doctor_program *program = doctor->program;
    if (!program->is_go) {
        remark_say(remark, VERDICT_NO, "not a Go program: it has neither build information nor a function table");
        remark_mend(remark, "a program that loads a Go library is watched all the same: look at the library");
        return;
    }
    const char *version = program->runtime.version.text;
    remark_say(remark, VERDICT_OK, "built by %s", version[0] != '\0' ? version : "a Go that it does not state");
}

/* ---- will the shim be loaded? ---- */

void check_file_rights(const struct doctor *doctor, struct remark *remark)
{
    const struct program_file *file = &doctor->program->file;
    const char *why = (file->status.st_mode & S_ISUID) != 0                     ? "is setuid"
                      : (file->status.st_mode & S_ISGID) != 0                   ? "is setgid"
                      : fgetxattr(file->fd, "security.capability", NULL, 0) > 0 ? "has file capabilities"
                                                                                : NULL;
    if (why != NULL) {
        remark_say(remark, VERDICT_WARN, "it %s: the loader ignores LD_PRELOAD then, unless you are that user already",
                   why);
        remark_mend(remark, "make dumps from outside, as root: gopagewatch attach PID");
    } else if (file->loader[0] != '\0' && (file->status.st_mode & 0111) == 0) {
        remark_say(remark, VERDICT_WARN, "it cannot be executed: no x in its mode");
        remark_mend(remark, "chmod +x it");
    }
}

static bool needs_libraries(const struct doctor_program *program)
{
    return program->runtime.has_libc;
}

void check_file_preload(const struct doctor *doctor, struct remark *remark)
{
    const struct program_file *file = &doctor->program->file;
    const char *loader_name = strrchr(file->loader, '/');
    if (needs_libraries(doctor->program) && file->loader[0] == '\0') {
        remark_say(remark, VERDICT_OK, "a library, linked dynamically: a program that loads it is watched");
        remark_mend(remark, "start that program by 'gopagewatch run'");
        return;
    }
    if (needs_libraries(doctor->program) && loader_name != NULL && strncmp(loader_name, "/ld-linux", 9) == 0) {
        remark_say(remark, VERDICT_OK, "dynamic, with libc (cgo): LD_PRELOAD=libgopagewatch.so will be loaded");
        return;
    }
    if (needs_libraries(doctor->program))
        remark_say(remark, VERDICT_WARN, "dynamic, but not by glibc (%s): the shim, which is, cannot be loaded",
                   file->loader);
    else if (file->loader[0] != '\0')
        remark_say(remark, VERDICT_WARN, "dynamic, but without libc (CGO_ENABLED=0): the shim leaves it alone");
    else
        remark_say(remark, VERDICT_WARN, "static (CGO_ENABLED=0): no library is loaded into it");
    remark_mend(remark,
                "make dumps from outside, gopagewatch attach PID: all but events; or build it with CGO_ENABLED=1 "
                "and glibc");
}

/* ---- what will be seen ---- */

void check_file_symbols(const struct doctor *doctor, struct remark *remark)
{
    remark_say(remark, VERDICT_OK,
               doctor->program->file.has_symbols ? "not stripped"
                                                 : "stripped: functions keep their names, by Go's own table");
}

/* The sentence says first what is missing, and behind ';' what to do. */
void remark_variables(struct remark *remark, const char *path)
{
    struct go_variable_file file;
    struct error why;
    if (path == NULL)
        error_set(&why, "its file is not there any more; name a copy ('gopagewatch map --exe EXE')");
    else if (go_variable_file_open(&file, path, NULL, &why)) {
        go_variable_file_close(&file);
        remark_say(remark, VERDICT_OK, "package variables are known: 'gopagewatch map VAR' and 'run --watch' work");
        return;
    }
    size_t fact_bytes = strcspn(why.text, ";");
    remark_say(remark, VERDICT_WARN, "'gopagewatch map VAR' and 'run --watch' will not work: it %.*s", (int)fact_bytes,
               why.text);
    if (why.text[fact_bytes] != '\0')
        remark_mend(remark, "%s", why.text + fact_bytes + strlen("; "));
}

void check_file_variables(const struct doctor *doctor, struct remark *remark)
{
    remark_variables(remark, doctor->program->path);
}

void check_file_functions(const struct doctor *doctor, struct remark *remark)
{
    if (doctor->program->runtime.has_pclntab) {
        remark_say(remark, VERDICT_OK, ".gopclntab found");
        return;
    }
    remark_say(remark, VERDICT_WARN,
               ".gopclntab, Go's table of functions, was not found: the Go heap will be one class");
    remark_mend(remark, "no obfuscator (garble) or packer (upx) should change the binary");
}

void check_file_madvise(const struct doctor *doctor, struct remark *remark)
{
    const struct go_runtime *runtime = &doctor->program->runtime;
    if (!needs_libraries(doctor->program))
        return; /* nothing is patched without the shim */
    if (runtime->madvise_entry != 0) {
        remark_say(remark, VERDICT_OK, "runtime.madvise is known byte for byte: what Go gives back will be seen");
        return;
    }
    remark_say(remark, VERDICT_WARN, "what Go gives back will not be seen: %s", runtime->madvise_not_found);
    remark_mend(remark, "all but the advice counters and events works");
}

void remark_layout(struct remark *remark, const char *version)
{
    char why_text[LAYOUT_WHY_BYTES];
    const char *why;
    const struct go_layout *layout = layout_for_version(version, why_text, &why);
    if (layout != NULL) {
        remark_say(remark, VERDICT_OK, "the structures of go1.%u%s%s are known: the heap can be walked",
                   layout->go_minor, layout->experiment != NULL ? " with " : "",
                   layout->experiment != NULL ? layout->experiment : "");
        return;
    }
    remark_say(remark, VERDICT_WARN, "the Go heap cannot be walked, it will be one class (go.heap): %s", why);
    remark_mend(remark, "a newer gopagewatch may know it");
}

void check_file_layout(const struct doctor *doctor, struct remark *remark)
{
    remark_layout(remark, doctor->program->runtime.version.text);
}

void check_file_experiments(const struct doctor *doctor, struct remark *remark)
{
    const char *experiments = strstr(doctor->program->runtime.version.text, "X:");
    if (experiments != NULL)
        remark_say(remark, VERDICT_OK, "built with GOEXPERIMENT=%s", experiments + 2);
}

void check_file_race(const struct doctor *doctor, struct remark *remark)
{
    if (!doctor->program->runtime.version.is_race)
        return;
    remark_say(remark, VERDICT_WARN, "built with -race: the detector takes several times the memory of the program");
    remark_mend(remark, "its memory counts as c.mmap; look at a build without -race");
}
