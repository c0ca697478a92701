#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

/* Lines in the form of the Kubernetes container runtime interface: "<RFC 3339 with nanoseconds> <stream> <F|P> <text>". */
enum { HEADER_MAX = 64 };

static int split_path(struct log *log, const char *path)
{
    const char *slash = strrchr(path, '/');
    char directory[4096];
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (!slash || slash[1] == '\0' || length >= sizeof directory || strlen(slash + 1) >= sizeof log->name - 12) {
        errno = slash ? ENAMETOOLONG : EINVAL;
        return -1;
    }
    memcpy(directory, path, length);
    directory[length] = '\0';
    strcpy(log->name, slash + 1);
    if (make_parents(path) < 0)
        return -1;
    log->dir = open(length == 0 ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return log->dir < 0 ? -1 : 0;
}

/* Never through a link, never onto anything but a regular file. */
static int open_file(struct log *log)
{
    struct stat about;
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    log->file = openat(log->dir, log->name, flags, 0600);
    if (log->file < 0)
        return -1;
    errno = EINVAL;
    if (fstat(log->file, &about) == 0 && S_ISREG(about.st_mode)) {
        log->size = (uint64_t)about.st_size;
        return 0;
    }
    int errnum = errno;
    close(log->file);
    log->file = -1;
    errno = errnum;
    return -1;
}

int log_open(struct log *log, const struct container_spec *c, struct hf_error *error)
{
    *log = (struct log){.dir = -1, .file = -1, .max_bytes = c->log_max_bytes, .max_files = c->log_max_files};
    if (split_path(log, c->log_path) < 0 || open_file(log) < 0)
        return fail(error, "open log", c->log_path);
    return 0;
}

/* Moves name to name.1, name.1 to name.2 and so on; the oldest is overwritten. */
static void rotate(struct log *log)
{
    char from[sizeof log->name + 12], to[sizeof log->name + 12];
    for (uint32_t i = log->max_files - 1; i > 0; i--) {
        snprintf(to, sizeof to, "%s.%u", log->name, i);
        snprintf(from, sizeof from, i == 1 ? "%s" : "%s.%u", log->name, i - 1);
        renameat(log->dir, from, log->dir, to);
    }
    close(log->file);
    log->file = -1;
    if (log->max_files == 1)
        unlinkat(log->dir, log->name, 0);
}

static size_t format_header(char *to, const char *stream, char tag)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    return (size_t)snprintf(to, HEADER_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ %s %c ", utc.tm_year + 1900,
                            utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec, stream, tag);
}

/* A full disk must not stop the container: what cannot be written whole is taken back, dropped and counted. */
static void write_line(struct log *log, const char *stream, char tag, const char *text, size_t length)
{
    char header[HEADER_MAX];
    size_t header_length = format_header(header, stream, tag);
    size_t total = header_length + length + 1;
    struct iovec parts[] = {{header, header_length}, {(void *)text, length}, {"\n", 1}};
    if (log->file >= 0 && log->size > 0 && log->size + total > log->max_bytes)
        rotate(log);
    if (log->file < 0 && open_file(log) < 0) {
        log->dropped++;
        return;
    }
    ssize_t wrote = writev(log->file, parts, 3);
    if (wrote == (ssize_t)total) {
        log->size += total;
        return;
    }
    log->dropped++;
    if (wrote > 0)
        (void)!ftruncate(log->file, (off_t)log->size);
}

int log_copy(struct log *log, struct log_stream *stream)
{
    ssize_t got = read(stream->fd, stream->buffer + stream->used, sizeof stream->buffer - stream->used);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    stream->taken += (uint64_t)got;
    size_t start = 0, end = stream->used + (size_t)got;
    char *newline;
    while ((newline = memchr(stream->buffer + start, '\n', end - start)) != NULL) {
        size_t length = (size_t)(newline - stream->buffer) - start;
        write_line(log, stream->name, 'F', stream->buffer + start, length);
        start += length + 1;
    }
    stream->used = end - start;
    if (start > 0)
        memmove(stream->buffer, stream->buffer + start, stream->used);
    if (stream->used == sizeof stream->buffer)
        log_flush(log, stream);
    return 1;
}

void log_flush(struct log *log, struct log_stream *stream)
{
    if (stream->used > 0)
        write_line(log, stream->name, 'P', stream->buffer, stream->used);
    stream->used = 0;
}
