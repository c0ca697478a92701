#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Reads field 22 of /proc/<pid>/stat; the command name before it may hold spaces and brackets. Returns -errno. */
static int32_t read_start_time(int32_t pid, uint64_t *start_time)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    ssize_t got = read(fd, text, sizeof text - 1);
    int errnum = errno;
    close(fd);
    if (got <= 0)
        return got < 0 ? -errnum : -ESRCH;
    text[got] = '\0';
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return -EPROTO;
    *start_time = strtoull(at + 1, NULL, 10);
    return 0;
}

HF_API int32_t hf_process_signal(int32_t pid, uint64_t start_time, int32_t signal, struct hf_error *error)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return hf_fail(error, errno, "pidfd_open", NULL);
    /* The pidfd pins the process first: if the start time still matches, the signal reaches that very process. */
    uint64_t actual = 0;
    int32_t failed = read_start_time(pid, &actual);
    if (failed == 0 && actual != start_time)
        failed = -ESRCH;
    if (failed == 0 && syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0)
        failed = -errno;
    close(fd);
    return failed < 0 ? hf_fail(error, -failed, "signal process", NULL) : 0;
}
