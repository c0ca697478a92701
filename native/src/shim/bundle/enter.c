#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

static const struct {
    int kind;
    const char *name;
} namespaces[] = {
    {CLONE_NEWUSER, "ns/user"}, {CLONE_NEWNS, "ns/mnt"},      {CLONE_NEWPID, "ns/pid"},   {CLONE_NEWIPC, "ns/ipc"},
    {CLONE_NEWUTS, "ns/uts"},   {CLONE_NEWCGROUP, "ns/cgroup"}, {CLONE_NEWNET, "ns/net"}, {CLONE_NEWTIME, "ns/time"},
};

/* Setting a process into the user namespace it is in already is refused. Returns -1 when it cannot be known. */
static int is_own(int process, const char *name)
{
    char path[32];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/self/%s", name);
    if (fstatat(process, name, &theirs, 0) < 0 || stat(path, &ours) < 0)
        return -1;
    return theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

static int kinds_of(int process, struct hf_error *error)
{
    int kinds = 0;
    for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0]; i++) {
        int own = is_own(process, namespaces[i].name);
        if (own < 0 && errno != ENOENT)
            return fail(error, "look for namespace", namespaces[i].name);
        kinds |= own == 0 ? namespaces[i].kind : 0;
    }
    return kinds;
}

/* The pidfd pins the process; the start time says that it is the one that was meant. */
static int find(const struct process_id *id, int *process, struct hf_error *error)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", id->pid);
    int pidfd = (int)syscall(SYS_pidfd_open, id->pid, 0);
    *process = pidfd < 0 ? -1 : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    uint64_t started = *process < 0 ? 0 : start_time_of(*process);
    if (started != 0 && started == id->start_time)
        return pidfd;
    if (started != 0 || errno == ENOENT)
        errno = ESRCH;
    return fail(error, "find container", path);
}

int enter_container(const struct process_id *id, struct hf_error *error)
{
    int process, pidfd = find(id, &process, error);
    int kinds = pidfd < 0 ? -1 : kinds_of(process, error);
    if (kinds < 0)
        return -1;
    /* All at once, so that there is no moment with a mixture. */
    if (kinds != 0 && syscall(SYS_setns, pidfd, kinds) < 0)
        return fail(error, "join container", NULL);
    close(process);
    return close(pidfd);
}
