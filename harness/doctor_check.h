/* SPDX-License-Identifier: Apache-2.0
 *
 * A check of the doctor: a question about the machine, a program's file or a process, and its answer: a verdict, the
 * fact behind it, and how to mend it. The table that drives them is in doctor.c.
 */
#ifndef GPW_HARNESS_DOCTOR_CHECK_H
#define GPW_HARNESS_DOCTOR_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/environment.h"
#include "harness/live_look.h"
#include "harness/program_file.h"

enum verdict {
    VERDICT_NONE, /* the question does not arise: no line */
    VERDICT_OK,
    VERDICT_WARN, /* something is less good than it could be */
    VERDICT_NO,   /* something does not work */
    VERDICTS,
};

enum { REMARK_BYTES = 512 };

struct remark {
    enum verdict verdict;
    char fact[REMARK_BYTES], mend[REMARK_BYTES];
};

struct doctor_program {
    const char *path;
    struct program_file file;
    bool is_go;
    struct go_runtime runtime;
};

struct doctor_process {
    int pid;
    struct live_look look;
    bool is_go;
    const struct module *module; /* the first Go runtime's */
};

/* What is looked at; of `program` and `process` at most one is there. */
struct doctor {
    struct environment environment; /* of this machine */
    struct doctor_program *program;
    struct doctor_process *process;
};

typedef void doctor_check(const struct doctor *doctor, struct remark *remark);

/* Fill a remark. With VERDICT_OK there is nothing to mend; remark_mend adds it to the others. */
__attribute__((format(printf, 3, 4))) void remark_say(struct remark *remark, enum verdict verdict, const char *fact,
                                                      ...);
__attribute__((format(printf, 2, 3))) void remark_mend(struct remark *remark, const char *mend, ...);

/* ---- the machine ---- */
doctor_check check_kernel, check_pagemap, check_scan, check_reading, check_ptrace_scope, check_frames, check_huge_pages,
    check_khugepaged, check_library, check_unwinder, check_cgroup, check_container, check_directory;

/* ---- a program's file ---- */
doctor_check check_file_kind, check_file_machine, check_file_go, check_file_rights, check_file_preload,
    check_file_symbols, check_file_variables, check_file_functions, check_file_madvise, check_file_layout,
    check_file_experiments, check_file_race;

/* ---- a process ---- */
doctor_check check_process_attach, check_process_go, check_process_layout, check_process_variables, check_process_shim,
    check_process_madvise, check_process_request, check_process_output, check_process_godebug, check_process_limits,
    check_process_huge_pages, check_process_cgroup;

/* Are the checks of a runtime the same in a file and in a process, they are these. `path` may be NULL: the file is
 * gone.
 */
void remark_variables(struct remark *remark, const char *path);
void remark_layout(struct remark *remark, const char *version);

#endif
