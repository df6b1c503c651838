/* SPDX-License-Identifier: Apache-2.0
 *
 * In the child of a fork only the calling thread is left; Go code must not run there, C code may.
 */
#include "c_children.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_CHILD = -1000, WRONG = 99 };

static const size_t MAPPED_BYTES = 1 << 20;

static int release_pipe[2];

/* Returns whether memory behaves. */
static int use_memory(void)
{
    for (int i = 0; i < 100; i++) {
        size_t bytes = (size_t)i * 3000 + 1;
        char *block = malloc(bytes);
        if (block == NULL)
            return 0;
        memset(block, i, bytes);
        free(block);
    }
    char *mapped = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return 0;
    memset(mapped, 1, MAPPED_BYTES);
    if (madvise(mapped, MAPPED_BYTES, MADV_DONTNEED) != 0 || mapped[MAPPED_BYTES / 2] != 0)
        return 0;
    char *moved = mremap(mapped, MAPPED_BYTES, 2 * MAPPED_BYTES, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
        return 0;
    moved[2 * MAPPED_BYTES - 1] = 1;
    return munmap(moved, 2 * MAPPED_BYTES) == 0;
}

static int reap(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) != pid) {
        if (errno != EINTR)
            return NO_CHILD;
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Whatever handler the program has for the signal stays out of it. */
static void die_by(int number)
{
    static const struct rlimit NO_CORE_FILE = {0, 0};
    sigset_t set;
    setrlimit(RLIMIT_CORE, &NO_CORE_FILE);
    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

int c_children_fork(enum child_end end)
{
    pid_t pid = fork();
    if (pid < 0)
        return NO_CHILD;
    if (pid > 0)
        return reap(pid);
    if (!use_memory())
        _exit(WRONG);
    switch (end) {
    case CHILD_END_AT_ONCE:
        _exit(11);
    case CHILD_EXIT:
        exit(12);
    case CHILD_EXEC:
        execl("/bin/sh", "sh", "-c", "exit 16", (char *)NULL);
        break;
    case CHILD_ABORT:
        die_by(SIGABRT);
        break;
    case CHILD_USR2:
        die_by(SIGUSR2);
        break;
    }
    _exit(WRONG);
}

int c_children_spawn(void)
{
    char name[] = "sh", option[] = "-c", command[] = "exit 13";
    char *arguments[] = {name, option, command, NULL};
    pid_t pid;
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ) != 0)
        return NO_CHILD;
    return reap(pid);
}

int c_children_system(void)
{
    int status = system("exit 14"); /* NOLINT(cert-env33-c): that system() is called is the point */
    return status < 0 ? NO_CHILD : WEXITSTATUS(status);
}

int c_children_fork_waiting(void)
{
    if (pipe2(release_pipe, O_CLOEXEC) != 0)
        return NO_CHILD;
    pid_t pid = fork();
    if (pid != 0) {
        close(release_pipe[0]);
        return pid < 0 ? NO_CHILD : pid;
    }
    close(release_pipe[1]);
    int is_right = use_memory();
    char byte;
    while (read(release_pipe[0], &byte, 1) < 0 && errno == EINTR) {
    }
    _exit(is_right && use_memory() ? 15 : WRONG);
}

int c_children_release(int pid)
{
    close(release_pipe[1]);
    return pid < 0 ? NO_CHILD : reap(pid);
}

int c_children_set_group(void)
{
    return setgid(getgid());
}
