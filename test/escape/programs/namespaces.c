/* Making and entering namespaces, and what they are meant to keep apart. */
#include "attempt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int unshare_users(void)
{
    return unshare(CLONE_NEWUSER);
}

/* Reports what the child's birth says; the child itself ends at once. */
static int born(long pid)
{
    if (pid == 0)
        _exit(0);
    return pid < 0 || waitpid((pid_t)pid, NULL, 0) < 0 ? -1 : 0;
}

static int clone_users(void)
{
    return born(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int clone3_users(void)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    return born(syscall(SYS_clone3, &args, sizeof args));
}

static int map_within(const char *map)
{
    return unshare(CLONE_NEWUSER) < 0 ? -1 : write_text("/proc/self/uid_map", map);
}

static int map_own_id(void)
{
    char map[32];
    snprintf(map, sizeof map, "0 %u 1", geteuid());
    return map_within(map);
}

/* An id beyond the pod's 65536, in its own map and in one of a namespace within. */
static int map_foreign_id(void)
{
    static const char map[] = "0 70000 1";
    return write_text("/proc/self/uid_map", map) == 0 ? 0 : map_within(map);
}

static int is_own(int fd, const char *kind)
{
    char path[64];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    return fstat(fd, &theirs) < 0 || stat(path, &ours) < 0 || theirs.st_ino == ours.st_ino;
}

/* Enters any namespace of any visible process that is not its own. */
static int enter_another(void)
{
    static const char *const kinds[] = {"user", "mnt", "net", "pid", "cgroup", "ipc", "uts"};
    DIR *proc = opendir("/proc");
    int errnum = ESRCH;
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            char path[300];
            snprintf(path, sizeof path, "/proc/%s/ns/%s", entry->d_name, kinds[i]);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd < 0)
                continue;
            if (!is_own(fd, kinds[i]) && setns(fd, 0) == 0)
                return 0;
            if (!is_own(fd, kinds[i]))
                errnum = errno;
            close(fd);
        }
    }
    errno = errnum;
    return -1;
}

/* Shows that the call itself is there to be misused. */
static int enter_own(void)
{
    int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -1 : setns(fd, 0);
}

static int mount_anything(void)
{
    if (mkdir("mounted", 0755) < 0 && errno != EEXIST)
        return -1;
    return mount("none", "mounted", "tmpfs", 0, NULL);
}

static int try_release_agent(const char *options)
{
    if (mount("none", "groups", "cgroup", 0, options) < 0)
        return -1;
    int fd = open("groups/release_agent", O_WRONLY | O_CLOEXEC);
    int errnum = errno;
    if (fd >= 0)
        close(fd);
    umount2("groups", MNT_DETACH);
    errno = errnum;
    return fd < 0 ? -1 : 0;
}

/* A program of the container that the node would run as root (CVE-2022-0492). */
static int set_release_agent(void)
{
    static const char *const options[] = {"none,name=holdfast-escape", "memory", "rdma", "devices", "cpu,cpuacct"};
    if (mkdir("groups", 0755) < 0 && errno != EEXIST)
        return -1;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (try_release_agent(options[i]) == 0)
            return 0;
    return -1;
}

/* Lifts its own limits through a view of the groups, or leaves for a group beside or above its own. */
static int leave_cgroup(void)
{
    if (mkdir("unified", 0755) < 0 && errno != EEXIST)
        return -1;
    if (mount("none", "unified", "cgroup2", 0, NULL) < 0)
        return -1;
    int made = mkdir("unified/holdfast-escape", 0755);
    int errnum = errno;
    if (made == 0)
        rmdir("unified/holdfast-escape");
    umount2("unified", MNT_DETACH);
    errno = errnum;
    return made;
}

const struct attempt namespaces[] = {
    {"unshare-users", unshare_users},
    {"clone-users", clone_users},
    {"clone3-users", clone3_users},
    {"map-own-id", map_own_id},
    {"map-foreign-id", map_foreign_id},
    {"enter-another", enter_another},
    {"enter-own", enter_own},
    {"mount-anything", mount_anything},
    {"set-release-agent", set_release_agent},
    {"leave-cgroup", leave_cgroup},
    {0, 0},
};
