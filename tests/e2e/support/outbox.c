/* SPDX-License-Identifier: Apache-2.0
 *
 * A dump gets its name by a link or a rename: IN_CREATE or IN_MOVED_TO. What is called *.part is one being written.
 * Events that inotify had to drop would be dumps nobody sees: that fails the test.
 */
#include "tests/e2e/support/outbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/program.h"

void outbox_open(struct outbox *outbox, const char *directory)
{
    outbox->directory = directory;
    outbox->events_begin = outbox->events_end = 0;
    outbox->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    must(outbox->inotify >= 0, "inotify");
    must(inotify_add_watch(outbox->inotify, directory, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0, "%s", directory);
}

void outbox_close(struct outbox *outbox)
{
    close(outbox->inotify);
    outbox->inotify = -1;
}

static void read_events(struct outbox *outbox)
{
    ssize_t got = read(outbox->inotify, outbox->events, sizeof outbox->events);
    must(got >= 0 || errno == EAGAIN || errno == EINTR, "inotify of %s", outbox->directory);
    outbox->events_begin = 0;
    outbox->events_end = got < 0 ? 0 : (size_t)got;
}

static const struct inotify_event *next_event(struct outbox *outbox)
{
    if (outbox->events_begin == outbox->events_end)
        read_events(outbox);
    if (outbox->events_begin == outbox->events_end)
        return NULL;
    const struct inotify_event *event = (const struct inotify_event *)(outbox->events + outbox->events_begin);
    outbox->events_begin += sizeof *event + event->len;
    if ((event->mask & IN_Q_OVERFLOW) != 0)
        fail("%s: more files than can be watched", outbox->directory);
    return event;
}

static bool is_whole(const struct inotify_event *event)
{
    const char *suffix = strrchr(event->name, '.');
    return suffix == NULL || strcmp(suffix, ".part") != 0;
}

const char *outbox_next(struct outbox *outbox)
{
    const struct inotify_event *event;
    do {
        if ((event = next_event(outbox)) == NULL)
            return NULL;
    } while (!is_whole(event));
    int length = snprintf(outbox->path, sizeof outbox->path, "%s/%s", outbox->directory, event->name);
    if (length < 0 || (size_t)length >= sizeof outbox->path)
        fail("%s: the path of a dump is too long", outbox->directory);
    return outbox->path;
}

const char *outbox_await(struct outbox *outbox, struct program *program)
{
    const char *path;
    while ((path = outbox_next(outbox)) == NULL)
        program_await_readable(program, outbox->inotify, "a dump");
    return path;
}

unsigned outbox_count_files(const struct outbox *outbox)
{
    unsigned files = 0;
    DIR *directory = opendir(outbox->directory);
    must(directory != NULL, "%s", outbox->directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        files += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return files;
}
