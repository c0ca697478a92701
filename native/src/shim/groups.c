#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/vfs.h>

/*
 * A move through cgroup.procs makes the kernel wait until no process of the node is about to fork (an RCU grace period,
 * 10 ms and more). Two ways in spare that: on v1 a thread that moves only itself, through `tasks`; on v2 being born in
 * the group. Both are enough here, where every process has one thread.
 */

static int open_parent(const char *procs_file)
{
    char path[PATH_MAX];
    const char *slash = strrchr(procs_file, '/');
    size_t length = slash ? (size_t)(slash - procs_file) : 0;
    if (length == 0 || length >= sizeof path) {
        errno = EINVAL;
        return -1;
    }
    memcpy(path, procs_file, length);
    path[length] = '\0';
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Returns the directory of the group, or -1. */
static int open_group(const char *procs_file, int *is_unified, struct hf_error *error)
{
    struct statfs about;
    int dir = open_parent(procs_file);
    if (dir < 0 || fstatfs(dir, &about) < 0)
        return fail(error, "open cgroup", procs_file);
    *is_unified = about.f_type == CGROUP2_SUPER_MAGIC;
    return dir;
}

int enter_legacy_groups(const struct texts *files, struct hf_error *error)
{
    for (uint32_t i = 0; i < files->count; i++) {
        int is_unified;
        int dir = open_group(files->items[i], &is_unified, error);
        if (dir < 0)
            return -1;
        if (!is_unified && write_file(dir, "tasks", "0") < 0)
            return fail(error, "enter cgroup", files->items[i]);
        close(dir);
    }
    return 0;
}

static int open_unified_group(const struct texts *files, int *group, struct hf_error *error)
{
    *group = -1;
    for (uint32_t i = 0; i < files->count && *group < 0; i++) {
        int is_unified;
        int dir = open_group(files->items[i], &is_unified, error);
        if (dir < 0)
            return -1;
        if (is_unified)
            *group = dir;
        else
            close(dir);
    }
    return 0;
}

int open_group_end(const struct texts *files, int *group_end, struct hf_error *error)
{
    int group;
    *group_end = -1;
    if (open_unified_group(files, &group, error) < 0)
        return -1;
    if (group < 0)
        return 0;
    *group_end = openat(group, "cgroup.kill", O_WRONLY | O_CLOEXEC);
    int failed = *group_end < 0 && errno != ENOENT ? fail(error, "open cgroup", "cgroup.kill") : 0;
    close(group);
    return failed;
}

int32_t fork_into_unified_group(const struct texts *files, struct hf_error *error)
{
    struct clone_args args = {.exit_signal = SIGCHLD};
    int group;
    if (open_unified_group(files, &group, error) < 0)
        return -1;
    if (group >= 0) {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)group;
    }
    long pid = sys_clone3(&args);
    if (pid < 0)
        return fail(error, "clone into cgroup", files->count > 0 ? files->items[0] : NULL);
    if (group >= 0)
        close(group);
    return (int32_t)pid;
}
