#include "shim.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int send_report(int fd, const struct hf_report *report)
{
    ssize_t sent = send(fd, report, sizeof *report, MSG_NOSIGNAL);
    int errnum = errno;
    close(fd);
    errno = errnum;
    return sent < 0 ? -1 : 0;
}

int await_agent(int report_fd, struct hf_error *error)
{
    char go;
    ssize_t got = read(report_fd, &go, 1);
    if (got == 0)
        errno = ECANCELED;
    return got == 1 ? 0 : fail(error, "await cgroups", NULL);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int describe_started(struct hf_report *report, int32_t pid, uint32_t clamped, struct hf_error *error)
{
    *report = (struct hf_report){.magic = HF_REPORT_MAGIC, .pid = pid, .clamped = clamped, .shim_pid = getpid()};
    report->start_time = start_time_of_pid(pid);
    report->shim_start_time = report->start_time == 0 ? 0 : start_time_of_pid(report->shim_pid);
    return report->shim_start_time == 0 ? fail(error, "read start time", NULL) : 0;
}

int report_described(int fd, struct hf_report *report)
{
    report->started_at_ms = now_ms();
    return send_report(fd, report);
}

int report_started(int fd, int32_t pid, uint32_t clamped, struct hf_error *error)
{
    struct hf_report report;
    if (describe_started(&report, pid, clamped, error) < 0)
        return -1;
    (void)report_described(fd, &report);
    return 0;
}

void report_failed(int fd, const struct hf_error *error)
{
    struct hf_report report = {.magic = HF_REPORT_MAGIC, .error = *error};
    (void)send_report(fd, &report);
}
