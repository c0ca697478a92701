#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

int exit_file_open(struct exit_file *file, const char *path, struct hf_error *error)
{
    char directory[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length == 0 || length >= sizeof directory || strlen(slash + 1) >= sizeof file->name - 8) {
        errno = EINVAL;
        return fail(error, "open exit record", path);
    }
    memcpy(directory, path, length);
    directory[length] = '\0';
    strcpy(file->name, slash + 1);
    file->dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file->dir < 0 ? fail(error, "open exit record", path) : 0;
}

static int write_durably(const struct exit_file *file, const char *text, size_t length)
{
    char temporary[sizeof file->name + 8];
    snprintf(temporary, sizeof temporary, ".%s.tmp", file->name);
    int fd = openat(file->dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    errno = EIO;
    int written = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
    int errnum = errno;
    close(fd);
    errno = errnum;
    if (!written || renameat(file->dir, temporary, file->dir, file->name) < 0)
        return -1;
    return fsync(file->dir);
}

static void record_exit(const struct exit_file *file, const siginfo_t *end, uint64_t dropped)
{
    char text[160];
    struct timespec now;
    int exited = end->si_code == CLD_EXITED;
    clock_gettime(CLOCK_REALTIME, &now);
    int length = snprintf(text, sizeof text,
                          "{\"code\":%d,\"signal\":%d,\"finishedAt\":%lld,\"droppedLogLines\":%llu}\n",
                          exited ? end->si_status : -1, exited ? 0 : end->si_status,
                          (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, (unsigned long long)dropped);
    /* The record's file system may be full; without a record the container would count as lost. Gone, nobody asks for it. */
    while (write_durably(file, text, (size_t)length) < 0 && errno != ENOENT)
        poll(NULL, 0, 1000);
}

int reap_if_ended(int32_t pid, siginfo_t *end)
{
    for (;;) {
        *end = (siginfo_t){0};
        if (waitid(P_PID, (id_t)pid, end, WEXITED | WNOHANG | __WALL) < 0)
            return errno == ECHILD ? 1 : -1;
        if (end->si_pid == 0)
            return 0;
        if (end->si_code != CLD_TRAPPED && end->si_code != CLD_STOPPED)
            return 1;
        long signal = end->si_status & 0x7f;
        ptrace(PTRACE_DETACH, pid, NULL, (void *)(signal == SIGTRAP ? 0L : signal));
    }
}

/* Copies what the container left and no more: another container may have the writing end, and never stop. */
static void drain(struct log *log, struct log_stream *stream)
{
    int left = 0;
    if (stream->fd < 0)
        return;
    (void)ioctl(stream->fd, FIONREAD, &left);
    struct pollfd ready = {.fd = stream->fd, .events = POLLIN};
    uint64_t end = stream->taken + (uint64_t)left;
    while (stream->taken < end && poll(&ready, 1, 0) > 0 && log_copy(log, stream))
        ;
    log_flush(log, stream);
}

static void copy_ready(struct log *log, struct log_stream *stream, struct pollfd *ready)
{
    if (ready->revents == 0 || log_copy(log, stream))
        return;
    log_flush(log, stream);
    close(stream->fd);
    ready->fd = stream->fd = -1;
}

void supervise(int32_t pid, int out, int err, struct log *log, const struct exit_file *exit_file, int group_end)
{
    /* Without initialisers: their buffers would be part of the program, and its memory before they are used. */
    static struct log_stream streams[2];
    siginfo_t end;
    sigset_t child;
    streams[0].name = "stdout";
    streams[0].fd = out;
    streams[1].name = "stderr";
    streams[1].fd = err;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    struct pollfd ready[] = {{signals, POLLIN, 0}, {out, POLLIN, 0}, {err, POLLIN, 0}};
    for (int ended; (ended = reap_if_ended(pid, &end)) != 1;) {
        struct signalfd_siginfo info;
        /* Without a signalfd the container is still looked at, once a second. */
        if (poll(ready, 3, signals < 0 || ended < 0 ? 1000 : -1) < 0)
            continue;
        while (signals >= 0 && read(signals, &info, sizeof info) > 0)
            ;
        copy_ready(log, &streams[0], &ready[1]);
        copy_ready(log, &streams[1], &ready[2]);
    }
    /* Without a pid namespace of its own to end with it, what it left behind would stay. */
    if (group_end >= 0)
        (void)!write(group_end, "1", 1);
    drain(log, &streams[0]);
    drain(log, &streams[1]);
    record_exit(exit_file, &end, log->dropped);
}
