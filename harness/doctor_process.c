/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of a process: what can be asked of it now, and how it was started.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "goruntime/pclntab.h"
#include "goruntime/runtime_find.h"
#include "harness/control_page.h"
#include "harness/doctor_check.h"
#include "harness/human.h"
#include "harness/shim_inside.h"
#include "memory/text.h"

enum { STATUS_BYTES = 8192, OPCODE_JMP = 0xe9 };

static const struct outside *outside_of(const struct doctor *doctor)
{
    return doctor->process->look.outside;
}

static const struct live_process *live_of(const struct doctor *doctor)
{
    return &doctor->process->look.process;
}

static bool has_library(const struct doctor *doctor)
{
    return outside_find_shim(&live_of(doctor)->vmas) != NULL;
}

/* The text behind a key of its status; false: there is none. */
static bool read_status(const struct doctor *doctor, const char *key, char *value, size_t value_bytes)
{
    char status[STATUS_BYTES];
    if (read_small_file(doctor->process->look.status, status, sizeof status) <= 0)
        return false;
    const char *found = strstr(status, key);
    if (found == NULL)
        return false;
    found += strlen(key);
    snprintf(value, value_bytes, "%.*s", (int)strcspn(found, "\n"), found);
    return true;
}

/* ---- Go ---- */

void check_process_attach(const struct doctor *doctor, struct remark *remark)
{
    remark_say(remark, VERDICT_OK, "it can be looked at from here: gopagewatch attach %d", doctor->process->pid);
}

void check_process_go(const struct doctor *doctor, struct remark *remark)
{
    const struct doctor_process *process = doctor->process;
    if (!process->is_go) {
        remark_say(remark, VERDICT_NO, "no Go runtime is in it");
        remark_mend(remark, "gopagewatch explains Go programs, and programs that load a Go library");
        return;
    }
    const char *version = process->module->runtime.version.text;
    uint32_t count = outside_of(doctor)->modules.count;
    remark_say(remark, VERDICT_OK, "%s in %s%s", version[0] != '\0' ? version : "a Go of unknown version",
               process->module->vma->name, count > 1 ? ", and other Go runtimes" : "");
}

void check_process_layout(const struct doctor *doctor, struct remark *remark)
{
    const struct go_heap *heap = &doctor->process->module->heap;
    if (heap->layout != NULL) {
        remark_say(remark, VERDICT_OK, "its heap was found, by the structures of go1.%u", heap->layout->go_minor);
        return;
    }
    remark_say(remark, VERDICT_WARN, "its heap cannot be walked, it will be one class (go.heap): %s", heap->why);
    remark_mend(remark, "a newer gopagewatch may know it");
}

void check_process_variables(const struct doctor *doctor, struct remark *remark)
{
    remark_variables(remark, live_process_file_path(&doctor->process->look.process, doctor->process->module->vma));
}

/* ---- the shim ---- */

void check_process_shim(const struct doctor *doctor, struct remark *remark)
{
    if (has_library(doctor)) {
        remark_say(remark, VERDICT_OK, "libgopagewatch.so is loaded");
        return;
    }
    bool has_libc = doctor->process->module->runtime.has_libc;
    remark_say(remark, VERDICT_WARN, "the shim is not in it%s: no events, and no dump by signal",
               has_libc ? "" : ", and cannot be (no libc)");
    remark_mend(remark, "%s",
                has_libc ? "start it by 'gopagewatch run'; 'attach' works meanwhile"
                         : "'attach' works; or build it with CGO_ENABLED=1");
}

/* The first byte of runtime.madvise: a jump, or what the compiler put there? */
static bool is_patched(const struct doctor *doctor, bool *is_found)
{
    const struct go_runtime *runtime = &doctor->process->module->runtime;
    struct reader *reader = outside_of(doctor)->where.reader;
    struct elf_image image = {.reader = reader, .start = runtime->image_start, .end = runtime->image_end};
    uintptr_t start, end;
    uint8_t opcode = 0;
    uint8_t *scratch = malloc(RUNTIME_FIND_SCRATCH_BYTES);
    *is_found = scratch != NULL && runtime->has_pclntab &&
                pclntab_lookup(&runtime->pclntab, &image, "runtime.madvise", scratch, RUNTIME_FIND_SCRATCH_BYTES,
                               &start, &end) &&
                reader_read(reader, start, &opcode, sizeof opcode);
    free(scratch);
    return *is_found && opcode == OPCODE_JMP;
}

void check_process_madvise(const struct doctor *doctor, struct remark *remark)
{
    bool is_found;
    if (!has_library(doctor))
        return;
    if (is_patched(doctor, &is_found)) {
        remark_say(remark, VERDICT_OK, "runtime.madvise is patched: what Go gives back is seen");
        return;
    }
    remark_say(remark, VERDICT_WARN, "runtime.madvise is %s: what Go gives back is not seen",
               is_found ? "not patched" : "not to be found");
    remark_mend(remark, "a dump says why, under books.shim.missing");
}

void check_process_request(const struct doctor *doctor, struct remark *remark)
{
    struct control_page control;
    struct shim_inside shim;
    struct error error;
    char by_signal[64] = "";
    int pid = doctor->process->pid;
    if (!has_library(doctor))
        return;
    if (!control_page_open(&control, pid, &error)) {
        remark_say(remark, VERDICT_WARN, "it cannot be asked for a dump: %s", error.text);
        remark_mend(remark, "gopagewatch attach %d makes one from outside", pid);
        return;
    }
    control_page_close(&control);
    if (shim_inside_find(&shim, live_of(doctor), &error) && shim.signal != 0) {
        const char *name = sigabbrev_np(shim.signal); /* NULL: a real-time signal */
        if (name != NULL)
            snprintf(by_signal, sizeof by_signal, ", or kill -%s %d", name, pid);
        else
            snprintf(by_signal, sizeof by_signal, ", or kill -%d %d", shim.signal, pid);
    }
    remark_say(remark, VERDICT_OK, "it makes a dump when it is asked: gopagewatch dump %d%s", pid, by_signal);
}

/* ---- where its dumps go ---- */

struct identity {
    uint64_t user, group;
    char groups[1024]; /* the supplementary ones, as text */
};

/* The second of the ids of a line: the effective one. */
static bool read_effective(const struct doctor *doctor, const char *key, uint64_t *id)
{
    char line[128];
    if (!read_status(doctor, key, line, sizeof line))
        return false;
    struct text ids = text_of(line);
    if (!text_take_decimal(&ids, id))
        return false;
    text_skip_spaces(&ids);
    return text_take_decimal(&ids, id);
}

static bool read_identity(const struct doctor *doctor, struct identity *identity)
{
    *identity = (struct identity){0};
    if (!read_effective(doctor, "\nUid:\t", &identity->user) || !read_effective(doctor, "\nGid:\t", &identity->group))
        return false;
    read_status(doctor, "\nGroups:\t", identity->groups, sizeof identity->groups);
    return true;
}

static bool is_in_group(const struct identity *identity, uint64_t group)
{
    if (group == identity->group)
        return true;
    for (const char *at = identity->groups; *at != '\0';) {
        char *end;
        unsigned long one = strtoul(at, &end, 10);
        if (end == at)
            return false;
        if (one == group)
            return true;
        at = end + strspn(end, " ");
    }
    return false;
}

/* By the mode bits: what access lists and capabilities say beyond them is not asked. */
static bool may_write(const struct identity *identity, const struct stat *directory)
{
    mode_t mode = directory->st_mode;
    if (identity->user == 0)
        return true;
    if (directory->st_uid == identity->user)
        return (mode & 0300) == 0300;
    if (is_in_group(identity, directory->st_gid))
        return (mode & 0030) == 0030;
    return (mode & 0003) == 0003;
}

void check_process_output(const struct doctor *doctor, struct remark *remark)
{
    struct shim_inside shim;
    struct error error;
    struct stat status;
    struct statvfs system;
    struct identity identity;
    if (!has_library(doctor) || !shim_inside_find(&shim, live_of(doctor), &error))
        return;
    const char *problem = NULL;
    if (stat(shim.directory, &status) != 0)
        problem = strerror(errno);
    else if (!S_ISDIR(status.st_mode))
        problem = "it is no directory";
    else if (statvfs(shim.directory, &system) == 0 && (system.f_flag & ST_RDONLY) != 0)
        problem = "the file system is read-only";
    else if (read_identity(doctor, &identity) && !may_write(&identity, &status))
        problem = "the process's user may not write there";
    if (problem == NULL) {
        remark_say(remark, VERDICT_OK, "its dumps go to %s", shim.directory);
        return;
    }
    remark_say(remark, VERDICT_NO, "its dumps should go to %s, which does not work: %s", shim.directory, problem);
    remark_mend(remark,
                "mend the directory, or start it with another GOPAGEWATCH_OUT; gopagewatch attach %d -o FILE "
                "writes where you like",
                doctor->process->pid);
}

/* ---- settings that matter ---- */

static const struct {
    const char *setting, *meaning;
} GODEBUGS[] = {
    {"madvdontneed=0", "Go gives back with MADV_FREE: the pages stay in the RSS until the kernel wants them"},
    {"harddecommit=1", "what Go gives back loses its access rights too"},
    {"disablethp=1", "Go rules huge pages out for its heap"},
    {"sbrk=1", "nothing is ever freed: the heap only grows"},
};

static bool has_setting(const char *list, const char *setting)
{
    size_t bytes = strlen(setting);
    for (const char *at = list; (at = strstr(at, setting)) != NULL; at += bytes) {
        if ((at == list || at[-1] == ',') && (at[bytes] == '\0' || at[bytes] == ','))
            return true;
    }
    return false;
}

void check_process_godebug(const struct doctor *doctor, struct remark *remark)
{
    const char *list = outside_of(doctor)->document.godebug;
    char meanings[REMARK_BYTES - 128] = "";
    size_t filled = 0;
    if (list == NULL || list[0] == '\0')
        return;
    for (unsigned i = 0; i < sizeof GODEBUGS / sizeof GODEBUGS[0] && filled < sizeof meanings; i++) {
        if (has_setting(list, GODEBUGS[i].setting))
            filled += (size_t)snprintf(meanings + filled, sizeof meanings - filled, "%s%s: %s", filled == 0 ? "" : "; ",
                                       GODEBUGS[i].setting, GODEBUGS[i].meaning);
    }
    if (filled != 0)
        remark_say(remark, VERDICT_WARN, "GODEBUG has %s", meanings);
    else
        remark_say(remark, VERDICT_OK, "nothing in GODEBUG (%.64s) changes where memory goes", list);
}

void check_process_limits(const struct doctor *doctor, struct remark *remark)
{
    const struct document *document = &outside_of(doctor)->document;
    const char *percent = document->gogc, *limit = document->gomemlimit;
    if (percent == NULL && limit == NULL)
        return;
    bool is_unbounded = percent != NULL && strcmp(percent, "off") == 0 && (limit == NULL || strcmp(limit, "off") == 0);
    remark_say(remark, is_unbounded ? VERDICT_WARN : VERDICT_OK, "started with%s%.32s%s%.32s",
               percent != NULL ? " GOGC=" : "", percent != NULL ? percent : "", limit != NULL ? " GOMEMLIMIT=" : "",
               limit != NULL ? limit : "");
    if (is_unbounded)
        remark_mend(remark, "nothing is ever collected: set GOMEMLIMIT, or GOGC to a number");
}

void check_process_huge_pages(const struct doctor *doctor, struct remark *remark)
{
    char enabled[8];
    if (read_status(doctor, "\nTHP_enabled:\t", enabled, sizeof enabled) && enabled[0] == '0') {
        remark_say(remark, VERDICT_OK, "transparent huge pages are off for this process (prctl)");
        return;
    }
    check_huge_pages(doctor, remark);
}

void check_process_cgroup(const struct doctor *doctor, struct remark *remark)
{
    const struct environment *environment = &outside_of(doctor)->document.environment;
    if (environment->has_cgroup_limit)
        remark_say(remark, VERDICT_OK, "its memory is limited to %s (cgroup)",
                   human_bytes(environment->cgroup_limit_bytes).text);
}
