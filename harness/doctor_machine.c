/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of the machine and of this installation. Where a thing can be tried it is tried, on our own process.
 */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/doctor_check.h"
#include "harness/human.h"
#include "harness/live_process.h"
#include "harness/shim_library.h"
#include "harness/os_page.h"
#include "memory/residency.h"
#include "memory/text.h"
#include "preload/unwinder.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"

enum { CAP_SYS_ADMIN_BIT = 21, HUGE_PAGE_OS_PAGES = 512 };

/* ---- the kernel ---- */

void check_kernel(const struct doctor *doctor, struct remark *remark)
{
    const struct utsname *system = &doctor->environment.system;
    if (strcmp(system->machine, "x86_64") == 0) {
        remark_say(remark, VERDICT_OK, "Linux %s on %s", system->release, system->machine);
        return;
    }
    remark_say(remark, VERDICT_NO, "Linux %s on %s: this version knows x86_64 only", system->release, system->machine);
    remark_mend(remark, "cores and dumps of x86_64 can be read here ('gopagewatch core', 'gopagewatch report')");
}

void check_pagemap(const struct doctor *doctor, struct remark *remark)
{
    (void)doctor;
    uint64_t entry = 0;
    os_page_own_frame(&entry);
    if ((entry & OS_PAGE_PRESENT) != 0) {
        remark_say(remark, VERDICT_OK, "/proc/self/pagemap tells what is resident");
        return;
    }
    remark_say(remark, VERDICT_NO, "/proc/self/pagemap does not tell what is resident");
    remark_mend(remark, "mount /proc, and let no sandbox hide pagemap (a kernel needs CONFIG_PROC_PAGE_MONITOR)");
}

void check_scan(const struct doctor *doctor, struct remark *remark)
{
    struct residency residency;
    static char buffer[RESIDENCY_BUFFER_BYTES] __attribute__((aligned(8)));
    if (residency_open(&residency, "/proc/self/pagemap", doctor->environment.os_page_bytes, buffer) != 0)
        return;
    if (residency.method == RESIDENCY_BY_SCAN && residency.sees_huge) {
        remark_say(remark, VERDICT_OK, "PAGEMAP_SCAN works, huge pages are seen");
    } else {
        remark_say(remark, VERDICT_WARN,
                   residency.method == RESIDENCY_BY_SCAN
                       ? "PAGEMAP_SCAN works, but does not tell huge pages: they are known by smaps, for whole mappings"
                       : "no PAGEMAP_SCAN: pagemap is read instead, about three times as slow; huge pages are known by "
                         "smaps, for whole mappings");
        remark_mend(remark, "Linux 6.7 and newer have it");
    }
    residency_close(&residency);
}

/* Reading a process's memory is one system call that sandboxes like to forbid. */
void check_reading(const struct doctor *doctor, struct remark *remark)
{
    (void)doctor;
    struct reader_process reader;
    uint64_t here = 0x676f7061676577, there = 0;
    reader_process_open(&reader, getpid());
    int error = reader.reader.read(&reader.reader, (uintptr_t)&here, &there, sizeof there);
    bool is_by_file = reader.mem_fd >= 0;
    reader_process_close(&reader);
    if (error != 0 || here != there) {
        remark_say(remark, VERDICT_NO, "a process's memory cannot be read: %s", strerror(-error));
        remark_mend(remark, "allow process_vm_readv in the seccomp profile, or mount /proc (for /proc/PID/mem)");
    } else if (is_by_file) {
        remark_say(remark, VERDICT_WARN, "process_vm_readv is forbidden here: /proc/PID/mem is read instead");
        remark_mend(remark, "allow process_vm_readv in the seccomp profile");
    } else {
        remark_say(remark, VERDICT_OK, "process_vm_readv works");
    }
}

/* ---- rights ---- */

void check_ptrace_scope(const struct doctor *doctor, struct remark *remark)
{
    (void)doctor;
    static const char PATH[] = "/proc/sys/kernel/yama/ptrace_scope";
    static const char MEND[] = "be root, or: sysctl kernel.yama.ptrace_scope=0; the shim inside a program needs none "
                               "of this";
    char scope[16] = "";
    bool may_trace = live_process_may_trace();
    if (geteuid() == 0 && !may_trace) {
        remark_say(remark, VERDICT_WARN,
                   "you are root without CAP_SYS_PTRACE: processes of other users cannot be "
                   "looked at from outside");
        remark_mend(remark, "docker run --cap-add SYS_PTRACE; kubectl debug --profile=general; the shim inside a "
                            "program needs none of this");
        return;
    }
    if (read_small_file(PATH, scope, sizeof scope) <= 0) {
        remark_say(remark, VERDICT_OK, "no Yama: %s can be looked at from outside",
                   may_trace ? "any process" : "your own processes");
        return;
    }
    scope[strcspn(scope, "\n")] = '\0';
    if (strcmp(scope, "3") == 0) {
        remark_say(remark, VERDICT_NO, "%s is 3: no process can be looked at from outside", PATH);
        remark_mend(remark, "it stays so until the machine is booted anew; use the shim");
    } else if (may_trace || strcmp(scope, "0") == 0) {
        remark_say(remark, VERDICT_OK, "%s is %s: %s can be looked at from outside", PATH, scope,
                   may_trace ? "you are root, any process" : "your own processes");
    } else {
        remark_say(remark, VERDICT_WARN, "%s is %s: of your processes %s can be looked at from outside", PATH, scope,
                   strcmp(scope, "1") == 0 ? "only those that you started from here" : "none");
        remark_mend(remark, "%s", MEND);
    }
}

void check_frames(const struct doctor *doctor, struct remark *remark)
{
    (void)doctor;
    if (os_page_own_frame(NULL) != 0) {
        remark_say(remark, VERDICT_OK, "page frames are visible ('gopagewatch page')");
        return;
    }
    remark_say(remark, VERDICT_WARN, "page frames are hidden: 'gopagewatch page' shows no PFN, flags and map counts");
    remark_mend(remark, live_process_has_capability(CAP_SYS_ADMIN_BIT)
                            ? "be root outside of containers"
                            : "be root, if you want these; nothing else needs them");
}

/* ---- huge pages ---- */

void check_huge_pages(const struct doctor *doctor, struct remark *remark)
{
    const char *enabled = doctor->environment.thp_enabled;
    if (enabled[0] == '\0') {
        remark_say(remark, VERDICT_OK, "this kernel has no transparent huge pages");
    } else if (strcmp(enabled, "never") == 0) {
        remark_say(remark, VERDICT_OK, "transparent huge pages are off (never)");
    } else if (strcmp(enabled, "madvise") == 0) {
        remark_say(remark, VERDICT_OK,
                   "transparent huge pages: madvise: only where a program asks for them (Go up to 1.20 does)");
    } else {
        remark_say(
            remark, VERDICT_WARN,
            "transparent huge pages: %s: a page in use makes 2 MiB resident, and what Go gave back may come back",
            enabled);
        remark_mend(remark, "when a report shows released-resident or large-pages: GODEBUG=disablethp=1 (go1.21.6 on), "
                            "or as root: echo madvise > " THP "enabled");
    }
}

void check_khugepaged(const struct doctor *doctor, struct remark *remark)
{
    const struct environment *environment = &doctor->environment;
    uint64_t none = environment->khugepaged_max_ptes_none;
    if (!environment->knows_max_ptes_none || strcmp(environment->thp_enabled, "never") == 0)
        return;
    if (none == 0) {
        remark_say(remark, VERDICT_OK, "khugepaged makes huge pages only where all %d pages are there",
                   HUGE_PAGE_OS_PAGES);
        return;
    }
    remark_say(remark, strcmp(environment->thp_enabled, "always") == 0 ? VERDICT_WARN : VERDICT_OK,
               "khugepaged fills up to %" PRIu64 " missing pages of %d to make a huge one (max_ptes_none)", none,
               HUGE_PAGE_OS_PAGES);
    if (remark->verdict == VERDICT_WARN)
        remark_mend(remark, "as root: echo 0 > " THP "khugepaged/max_ptes_none");
}

/* ---- this installation ---- */

void check_library(const struct doctor *doctor, struct remark *remark)
{
    char path[PATH_MAX];
    struct error error;
    (void)doctor;
    if (shim_library_find(path, &error)) {
        remark_say(remark, VERDICT_OK, "the shim is %s", path);
        return;
    }
    remark_say(remark, VERDICT_NO, "there is no shim: %s", error.text);
    remark_mend(remark, "name it yourself: LD_PRELOAD=/path/to/libgopagewatch.so; 'attach' needs none");
}

/* ---- surroundings ---- */

/* The shim looks for it when it starts. */
void check_unwinder(const struct doctor *doctor, struct remark *remark)
{
    (void)doctor;
    void *library = dlopen(UNWINDER_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    bool is_it = library != NULL && dlsym(library, "_ULx86_64_step") != NULL;
    if (library != NULL)
        dlclose(library);
    if (is_it) {
        remark_say(remark, VERDICT_OK, UNWINDER_LIBRARY " is there: stacks of C code are known");
        return;
    }
    remark_say(remark, VERDICT_WARN, UNWINDER_LIBRARY " is not there: memory that C code maps has no stacks");
    remark_mend(remark, "install it (Debian and Ubuntu: libunwind8), in the program's container if it runs in one");
}

void check_cgroup(const struct doctor *doctor, struct remark *remark)
{
    const struct environment *environment = &doctor->environment;
    if (environment->has_cgroup_limit)
        remark_say(remark, VERDICT_OK, "this shell's memory is limited to %s (cgroup), this command's with it",
                   human_bytes(environment->cgroup_limit_bytes).text);
    else
        remark_say(remark, VERDICT_OK, "no cgroup limits this shell's memory");
}

void check_container(const struct doctor *doctor, struct remark *remark)
{
    (void)doctor;
    const char *kind = getenv("container");
    if (getenv("KUBERNETES_SERVICE_HOST") != NULL)
        kind = "Kubernetes";
    else if (access("/.dockerenv", F_OK) == 0)
        kind = "Docker";
    else if (access("/run/.containerenv", F_OK) == 0)
        kind = "Podman";
    if (kind == NULL)
        return;
    remark_say(remark, VERDICT_OK,
               "in a container (%s): the program is often process 1, and its dumps are written inside; read-only file "
               "systems need GOPAGEWATCH_OUT on a volume",
               kind);
}

void check_directory(const struct doctor *doctor, struct remark *remark)
{
    (void)doctor;
    char directory[PATH_MAX];
    if (getcwd(directory, sizeof directory) == NULL)
        strcpy(directory, ".");
    if (access(".", W_OK) == 0) {
        remark_say(remark, VERDICT_OK, "dumps can be written to this directory, %s", directory);
        return;
    }
    remark_say(remark, VERDICT_WARN, "dumps cannot be written to this directory, %s: %s", directory, strerror(errno));
    remark_mend(remark, "give a path: GOPAGEWATCH_OUT=/tmp/%%p.%%n.json, 'attach -o FILE'");
}
