/* SPDX-License-Identifier: Apache-2.0
 *
 * Files for tests. Whatever fails here is a test that cannot be made, hence abort().
 */
#include "tests/unit/support/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void must(bool is_done)
{
    if (!is_done)
        abort();
}

static void write_all(int fd, const char *bytes, uint64_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        must(written > 0);
        bytes += written;
        count -= (uint64_t)written;
    }
}

struct memory_file memory_file_make(const void *content, uint64_t bytes)
{
    struct memory_file file = {.fd = memfd_create("gopagewatch-test", MFD_CLOEXEC)};
    must(file.fd >= 0);
    write_all(file.fd, content, bytes);
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    return file;
}

struct memory_file memory_file_of_text(const char *text)
{
    return memory_file_make(text, strlen(text));
}

char *memory_file_content(const struct memory_file *file)
{
    off_t bytes = lseek(file->fd, 0, SEEK_END);
    char *content = calloc(1, (size_t)bytes + 1);
    must(content != NULL && pread(file->fd, content, (size_t)bytes, 0) == bytes);
    return content;
}

void memory_file_close(struct memory_file *file)
{
    close(file->fd);
    file->fd = -1;
}

void temporary_directory_make(struct temporary_directory *directory)
{
    strcpy(directory->path, "/tmp/gopagewatch-test-XXXXXX");
    must(mkdtemp(directory->path) != NULL);
}

void temporary_directory_remove(struct temporary_directory *directory)
{
    DIR *stream = opendir(directory->path);
    must(stream != NULL);
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;)
        unlinkat(dirfd(stream), entry->d_name, 0);
    closedir(stream);
    rmdir(directory->path);
}

unsigned temporary_directory_count(const struct temporary_directory *directory)
{
    DIR *stream = opendir(directory->path);
    must(stream != NULL);
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

char *path_in(const struct temporary_directory *directory, const char *name, char *path)
{
    must(snprintf(path, FILE_PATH_BYTES, "%s/%s", directory->path, name) < FILE_PATH_BYTES);
    return path;
}

void write_text_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0);
    write_all(fd, text, strlen(text));
    close(fd);
}

bool read_text_file(const char *path, char *text, uint64_t bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, bytes - 1);
    close(fd);
    text[got < 0 ? 0 : got] = '\0';
    return got >= 0;
}

void capture_stderr_begin(struct captured_stderr *captured)
{
    int ends[2];
    must(pipe2(ends, O_CLOEXEC) == 0);
    captured->saved = dup(STDERR_FILENO);
    captured->pipe_end = ends[0];
    must(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    close(ends[1]);
}

void capture_stderr_end(struct captured_stderr *captured, char *text, uint64_t bytes)
{
    must(dup2(captured->saved, STDERR_FILENO) == STDERR_FILENO);
    close(captured->saved);
    uint64_t filled = 0;
    ssize_t got;
    while (filled < bytes - 1 && (got = read(captured->pipe_end, text + filled, bytes - 1 - filled)) > 0)
        filled += (uint64_t)got;
    text[filled] = '\0';
    close(captured->pipe_end);
}
