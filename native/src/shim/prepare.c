#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* The descriptor pins the process, so what is read through it is of one process; the start time says which. */
static int open_process(int32_t pid, uint64_t start_time, const char *stage, struct hf_error *error)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", pid);
    int process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (process < 0)
        return fail(error, stage, path);
    uint64_t actual = start_time_of(process);
    if (actual == start_time)
        return process;
    int errnum = actual == 0 ? errno : ESRCH;
    close(process);
    errno = errnum;
    return fail(error, stage, path);
}

static int open_sandbox(const struct spec *spec, struct prepared *prepared, struct hf_error *error)
{
    const struct container_spec *c = &spec->container;
    prepared->sandbox = open_process(c->sandbox_pid, c->sandbox_start_time, "find sandbox", error);
    if (prepared->sandbox < 0)
        return -1;
    if (spec->flags & SHARED_PIDS)
        prepared->pids = open_process(c->pids_pid, c->pids_start_time, "find process to join", error);
    if (spec->flags & SHARED_PIDS && prepared->pids < 0)
        return -1;
    if (!(spec->flags & PRIVATE_USERS))
        return 0;
    prepared->users = openat(prepared->sandbox, "ns/user", O_RDONLY | O_CLOEXEC);
    return prepared->users < 0 ? fail(error, "open user namespace", NULL) : 0;
}

/* The node's own device nodes are mounted; only a privileged container of the node's users has nodes of its own. */
static int prepare_device(struct device_spec *device, int may_make, struct hf_error *error)
{
    struct stat about;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
    int fd = sys_clone_tree(AT_FDCWD, device->path, 0);
    if (fd < 0 || fstat(fd, &about) < 0)
        return fail(error, "open device", device->path);
    if (!S_ISCHR(about.st_mode) && !S_ISBLK(about.st_mode)) {
        errno = ENODEV;
        return fail(error, "check device", device->path);
    }
    device->mode = about.st_mode;
    device->rdev = about.st_rdev;
    if (may_make) {
        close(fd);
        return 0;
    }
    device->fd = fd;
    return sys_mount_setattr(fd, 0, &attributes) < 0 ? fail(error, "protect device", device->path) : 0;
}

/* A mount of sysfs needs power over its network namespace, which the root of a pod lacks over the node's. */
static int prepare_sysfs(uint32_t flags, struct prepared *prepared, struct hf_error *error)
{
    struct mount_attr attributes = {.attr_set = HARMLESS | (flags & PRIVILEGED ? 0u : MOUNT_ATTR_RDONLY)};
    if (!(flags & PRIVATE_USERS) || flags & PRIVATE_NETWORK)
        return 0;
    prepared->sysfs = sys_clone_tree(AT_FDCWD, "/sys", 0);
    if (prepared->sysfs < 0 || sys_mount_setattr(prepared->sysfs, 0, &attributes) < 0)
        return fail(error, "copy mount", "/sys");
    return 0;
}

/* Views of what is the node's, which the root of a pod may not make. */
static int prepare_node_views(uint32_t flags, struct prepared *prepared, struct hf_error *error)
{
    struct mount_attr attributes = {.attr_set = HARMLESS};
    if (flags & NODE_PIDS && flags & PRIVATE_USERS && (prepared->proc = make_fs("proc", NULL, HARMLESS, error)) < 0)
        return -1;
    if (!(flags & NODE_IPC))
        return 0;
    prepared->mqueue = make_fs("mqueue", NULL, HARMLESS, error);
    if (prepared->mqueue < 0)
        return -1;
    prepared->shared_memory = sys_clone_tree(AT_FDCWD, "/dev/shm", 0);
    if (prepared->shared_memory < 0 || sys_mount_setattr(prepared->shared_memory, 0, &attributes) < 0)
        return fail(error, "copy mount", "/dev/shm");
    return 0;
}

int prepare_mounts(struct spec *spec, struct prepared *prepared, struct hf_error *error)
{
    struct container_spec *c = &spec->container;
    *prepared = (struct prepared){.root = -1, .sysfs = -1, .proc = -1, .mqueue = -1, .shared_memory = -1,
                                  .sandbox = -1, .users = -1, .pids = -1};
    if (open_sandbox(spec, prepared, error) < 0)
        return -1;
    prepared->root = make_overlay(spec, prepared->users, error);
    if (prepared->root < 0)
        return -1;
    for (uint32_t i = 0; i < c->mount_count; i++)
        if (c->mounts[i].kind == MOUNT_BIND &&
            copy_mount(&c->mounts[i], AT_FDCWD, c->mounts[i].source, prepared->users, error) < 0)
            return -1;
    for (uint32_t i = 0; i < c->device_count; i++)
        if (prepare_device(&c->devices[i], makes_devices(spec), error) < 0)
            return -1;
    return prepare_sysfs(spec->flags, prepared, error) < 0 ? -1 : prepare_node_views(spec->flags, prepared, error);
}
