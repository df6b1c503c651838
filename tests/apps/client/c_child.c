/* SPDX-License-Identifier: Apache-2.0
 *
 * A child that has the parent's memory and not its threads: nobody would answer there.
 */
#include "c_child.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gopagewatch.h"

enum { LIMIT_SECONDS = 20, NO_CHILD = -1000 };

static int use_everything(void)
{
    int wrong = 0;
    wrong |= gpw_active() == 0 ? 0 : 1;
    wrong |= gpw_mark("child") == -1 ? 0 : 2;
    wrong |= gpw_dump("child") == -1 ? 0 : 4;
    wrong |= gpw_settle_await(0) == 0 ? 0 : 8;
    return wrong;
}

int c_child_fork(void)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return NO_CHILD;
    if (pid == 0) {
        alarm(LIMIT_SECONDS);
        _exit(use_everything());
    }
    while (waitpid(pid, &status, 0) != pid) {
        if (errno != EINTR)
            return NO_CHILD;
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
