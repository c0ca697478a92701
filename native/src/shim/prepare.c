#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static int open_sandbox(const struct spec *spec, struct prepared *prepared, struct hf_error *error)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", spec->container.sandbox_pid);
    prepared->sandbox = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (prepared->sandbox < 0)
        return fail(error, "find sandbox", path);
    /* The descriptor pins the process, so what is read through it is of one process; the start time says which. */
    uint64_t start_time = start_time_of(prepared->sandbox);
    if (start_time != spec->container.sandbox_start_time) {
        if (start_time != 0)
            errno = ESRCH;
        return fail(error, "find sandbox", path);
    }
    if (!(spec->flags & PRIVATE_USERS))
        return 0;
    prepared->users = openat(prepared->sandbox, "ns/user", O_RDONLY | O_CLOEXEC);
    return prepared->users < 0 ? fail(error, "open user namespace", path) : 0;
}

static int idmap(int mount, int users, unsigned flags, const char *path, struct hf_error *error)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)users};
    return sys_mount_setattr(mount, flags, &attributes) < 0 ? fail(error, "idmap mount", path) : 0;
}

static int prepare_layer(const char *path, int users, struct hf_error *error)
{
    int tree = sys_clone_tree(AT_FDCWD, path, 0);
    if (tree < 0)
        return fail(error, "open layer", path);
    return users >= 0 && idmap(tree, users, 0, path, error) < 0 ? -1 : tree;
}

/*
 * Names a directory to overlayfs by its descriptor, relative to /proc/self/fd, the working directory: fsconfig takes
 * at most 255 bytes, which a path may exceed, and a detached tree has no other name.
 */
static int set_directory(int fs, const char *key, int dir)
{
    char name[16];
    snprintf(name, sizeof name, "%d", dir);
    return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, name, 0);
}

/* Kernels before 6.5 take all the layers in one text. */
static int set_layers_at_once(int fs, const int *layers, uint32_t count)
{
    char text[256];
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        int wrote = snprintf(text + used, sizeof text - used, i == 0 ? "%d" : ":%d", layers[i]);
        used += (size_t)wrote;
        if (used >= sizeof text) {
            errno = E2BIG;
            return -1;
        }
    }
    return sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", text, 0);
}

static int set_layers(int fs, const struct container_spec *c, int users, struct hf_error *error)
{
    enum { MOST_LAYERS = 500 };
    int layers[MOST_LAYERS];
    if (c->layers.count > MOST_LAYERS) {
        errno = E2BIG;
        return fail(error, "open layers", NULL);
    }
    for (uint32_t i = 0; i < c->layers.count; i++)
        if ((layers[i] = prepare_layer(c->layers.items[i], users, error)) < 0)
            return -1;
    for (uint32_t i = 0; i < c->layers.count; i++) {
        if (set_directory(fs, "lowerdir+", layers[i]) == 0)
            continue;
        if (i > 0 || errno != EINVAL || set_layers_at_once(fs, layers, c->layers.count) < 0)
            return fail(error, "add layer", c->layers.items[i]);
        return 0;
    }
    return 0;
}

static int set_writable(int fs, const char *key, const char *path, struct hf_error *error)
{
    int dir = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return fail(error, "open directory", path);
    return set_directory(fs, key, dir) < 0 ? fail(error, "add directory", path) : 0;
}

static int prepare_root(const struct spec *spec, int users, struct hf_error *error)
{
    const struct container_spec *c = &spec->container;
    unsigned attributes = spec->flags & PRIVILEGED ? 0 : MOUNT_ATTR_NODEV;
    if (chdir("/proc/self/fd") < 0)
        return fail(error, "chdir", "/proc/self/fd");
    int fs = sys_fsopen("overlay");
    if (fs < 0)
        return fail(error, "open overlayfs", NULL);
    if (set_layers(fs, c, users, error) < 0 || set_writable(fs, "upperdir", c->upper, error) < 0 ||
        set_writable(fs, "workdir", c->work, error) < 0)
        return -1;
    /* The upper directory never outlives its container, so it need not survive a power cut either. */
    if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", "overlay", 0) < 0 ||
        sys_fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0 ||
        sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return fail(error, "create overlay", c->upper);
    int root = sys_fsmount(fs, attributes);
    if (root < 0 || chdir("/") < 0)
        return fail(error, "mount overlay", c->upper);
    close(fs);
    return root;
}

static int prepare_bind(struct mount_spec *m, int users, struct hf_error *error)
{
    struct stat about;
    struct mount_attr attributes = {.attr_set = m->attributes};
    unsigned recursive = m->flags & MOUNT_RECURSIVE ? AT_RECURSIVE : 0;
    m->fd = sys_clone_tree(AT_FDCWD, m->source, recursive);
    if (m->fd < 0 || fstat(m->fd, &about) < 0)
        return fail(error, "open volume", m->source);
    m->is_directory = S_ISDIR(about.st_mode);
    if (users >= 0 && m->flags & MOUNT_IDMAPPED && idmap(m->fd, users, recursive, m->source, error) < 0)
        return -1;
    if (m->attributes != 0 && sys_mount_setattr(m->fd, recursive, &attributes) < 0)
        return fail(error, "set volume attributes", m->source);
    return 0;
}

/* Only a pod of its own users needs the node's device nodes themselves; others make their own from the numbers. */
static int prepare_device(struct device_spec *device, int private_users, struct hf_error *error)
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
    if (!private_users) {
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

int prepare_mounts(struct spec *spec, struct prepared *prepared, struct hf_error *error)
{
    struct container_spec *c = &spec->container;
    *prepared = (struct prepared){.root = -1, .sysfs = -1, .sandbox = -1, .users = -1};
    if (open_sandbox(spec, prepared, error) < 0)
        return -1;
    prepared->root = prepare_root(spec, prepared->users, error);
    if (prepared->root < 0)
        return -1;
    for (uint32_t i = 0; i < c->mount_count; i++)
        if (c->mounts[i].kind == MOUNT_BIND && prepare_bind(&c->mounts[i], prepared->users, error) < 0)
            return -1;
    for (uint32_t i = 0; i < c->device_count; i++)
        if (prepare_device(&c->devices[i], prepared->users >= 0, error) < 0)
            return -1;
    return prepare_sysfs(spec->flags, prepared, error);
}
