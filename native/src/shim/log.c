#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

/* Lines in the form of the Kubernetes container runtime interface: "<RFC 3339 with nanoseconds> <stream> <F|P> <text>". */
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
    log->size = 0;
    if (log->max_files == 1)
        unlinkat(log->dir, log->name, 0);
}

static size_t format_header(char *to, const char *stream, char tag)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    return (size_t)snprintf(to, LOG_HEADER_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ %s %c ", utc.tm_year + 1900,
                            utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec, stream, tag);
}

/*
 * Lines that go out with one writev: a header each, the same for all that came with one read, and the text with its line
 * end. Both ends of a batch are ends of lines.
 */
enum { MOST_LINES = 128, HEADER = 0, TEXT = 1, PARTS = 2 };

static struct batch {
    struct iovec parts[MOST_LINES * PARTS];
    size_t lines, bytes;
} pending;

static size_t line_bytes(size_t line)
{
    return pending.parts[line * PARTS + HEADER].iov_len + pending.parts[line * PARTS + TEXT].iov_len;
}

/* A full disk must not stop the container: lines that cannot be written whole are taken back, dropped and counted. */
static void write_batch(struct log *log)
{
    size_t whole = 0, kept = 0;
    if (pending.lines == 0)
        return;
    if (log->file >= 0 || open_file(log) == 0) {
        ssize_t wrote = writev(log->file, pending.parts, (int)(pending.lines * PARTS));
        while (wrote > 0 && whole < pending.lines && kept + line_bytes(whole) <= (size_t)wrote)
            kept += line_bytes(whole++);
        log->size += kept;
        if (wrote > 0 && kept < (size_t)wrote)
            (void)!ftruncate(log->file, (off_t)log->size);
    }
    log->dropped += pending.lines - whole;
    pending.lines = pending.bytes = 0;
}

/* `text` ends in its line end. */
static void add_line(struct log *log, const struct iovec *header, char *text, size_t length)
{
    size_t bytes = header->iov_len + length;
    if (pending.lines == MOST_LINES || log->size + pending.bytes + bytes > log->max_bytes)
        write_batch(log);
    if (log->file >= 0 && log->size > 0 && log->size + bytes > log->max_bytes)
        rotate(log);
    pending.parts[pending.lines * PARTS + HEADER] = *header;
    pending.parts[pending.lines * PARTS + TEXT] = (struct iovec){text, length};
    pending.lines++;
    pending.bytes += bytes;
}

/* The rest of the buffer as one line; there is room for its end. */
static void write_rest(struct log *log, struct log_stream *stream, char tag)
{
    const struct iovec header = {stream->header, format_header(stream->header, stream->name, tag)};
    stream->buffer[stream->used] = '\n';
    add_line(log, &header, stream->buffer, stream->used + 1);
    write_batch(log);
    stream->used = 0;
}

int log_copy(struct log *log, struct log_stream *stream)
{
    ssize_t got = read(stream->fd, stream->buffer + stream->used, LOG_LINE_MAX - stream->used);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    stream->taken += (uint64_t)got;
    const struct iovec header = {stream->header, format_header(stream->header, stream->name, 'F')};
    char *at = stream->buffer, *end = at + stream->used + (size_t)got, *newline;
    while ((newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        add_line(log, &header, at, (size_t)(newline + 1 - at));
        at = newline + 1;
    }
    write_batch(log);
    stream->used = (size_t)(end - at);
    if (at > stream->buffer)
        memmove(stream->buffer, at, stream->used);
    if (stream->used == LOG_LINE_MAX)
        write_rest(log, stream, 'P');
    return 1;
}

void log_flush(struct log *log, struct log_stream *stream)
{
    if (stream->used > 0)
        write_rest(log, stream, 'F');
}
