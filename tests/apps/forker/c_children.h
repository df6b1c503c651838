/* SPDX-License-Identifier: Apache-2.0
 *
 * Children made from C. Those of fork(2) stay copies of a program with a Go runtime in it and use memory: malloc, mmap,
 * madvise, mremap, munmap.
 */
#ifndef C_CHILDREN_H
#define C_CHILDREN_H

enum child_end {
    CHILD_END_AT_ONCE, /* _exit(11) */
    CHILD_EXIT,        /* exit(12): atexit functions and destructors run */
    CHILD_EXEC,        /* sh -c 'exit 16' */
    CHILD_ABORT,       /* sets SIGABRT to its default and dies by it */
    CHILD_USR2         /* the same by SIGUSR2 */
};

/* Each returns the exit status, minus the signal's number for a child that a signal ended, or -1000 when there is no
 * child. */
int c_children_fork(enum child_end end);
int c_children_spawn(void);  /* sh -c 'exit 13' by posix_spawn */
int c_children_system(void); /* the same by system, 14 */

/* A child that uses memory, waits to be released, uses memory again and ends with 15. */
int c_children_fork_waiting(void);
int c_children_release(int pid);

/* setgid to the group that the process has already. Returns what setgid returned. */
int c_children_set_group(void);

#endif
