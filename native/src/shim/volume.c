#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>

/*
 * A path below a volume is walked by the kernel and can lead out of it neither by a link nor by a rename that happens
 * meanwhile: such a walk fails. Links that stay within are followed, for files of a ConfigMap are such links.
 */
static int open_beneath(int volume, const char *path, uint64_t flags)
{
    return sys_openat2(volume, path, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

/*
 * Makes one directory as the owner of the volume's root would, so that it is the owner's from the start: what stands at
 * its name a moment later may be somebody else's.
 */
static int make_directory(int parent, const char *name, const struct stat *root)
{
    mode_t mask = umask(0);
    gid_t group = (gid_t)setfsgid(root->st_gid);
    uid_t user = (uid_t)setfsuid(root->st_uid);
    int made = mkdirat(parent, name, root->st_mode & 07777);
    int errnum = errno;
    setfsuid(user);
    setfsgid(group);
    umask(mask);
    errno = errnum;
    return made < 0 && errnum != EEXIST ? -1 : 0;
}

/* Makes the last directory of a path unless there is something; what is above it is there. */
static int make_last(int volume, char *path, const struct stat *root)
{
    int there = open_beneath(volume, path, O_PATH);
    if (there >= 0) {
        close(there);
        return 0;
    }
    if (errno != ENOENT)
        return -1;
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    int parent = open_beneath(volume, slash ? path : ".", O_PATH | O_DIRECTORY);
    if (slash)
        *slash = '/';
    if (parent < 0)
        return -1;
    int made = make_directory(parent, slash ? slash + 1 : path, root);
    int errnum = errno;
    close(parent);
    errno = errnum;
    return made;
}

static int make_beneath(int volume, const char *path)
{
    char part[PATH_MAX];
    struct stat root;
    size_t length = strlen(path), end = 0;
    if (length >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (fstat(volume, &root) < 0)
        return -1;
    while (end < length) {
        end += strcspn(path + end, "/");
        memcpy(part, path, end);
        part[end] = '\0';
        if (make_last(volume, part, &root) < 0)
            return -1;
        end++;
    }
    return 0;
}

static int enter_sub_path(const struct mount_spec *m, int volume, struct hf_error *error)
{
    if (m->sub_path[0] == '\0')
        return volume;
    int inside = open_beneath(volume, m->sub_path, O_PATH);
    if (inside < 0 && errno == ENOENT && m->flags & MOUNT_MAKE_PATH && make_beneath(volume, m->sub_path) == 0)
        inside = open_beneath(volume, m->sub_path, O_PATH);
    if (inside < 0)
        return fail(error, "open path of volume", m->sub_path);
    close(volume);
    return inside;
}

/* The very thing that is mounted is looked at, so that it cannot be exchanged between the look and the mount. */
static int check_type(const struct mount_spec *m, mode_t mode, struct hf_error *error)
{
    if (m->flags & MOUNT_DIRECTORY && !S_ISDIR(mode))
        errno = ENOTDIR;
    else if (m->flags & MOUNT_FILE && !S_ISREG(mode))
        errno = S_ISDIR(mode) ? EISDIR : EINVAL;
    else if (m->flags & MOUNT_SOCKET && !S_ISSOCK(mode))
        errno = ENOTSOCK;
    else
        return 0;
    return fail(error, "check volume", m->source);
}

/* A copy of a shared mount shares: what a container mounts in it would show on the node, unless that is asked for. */
static int set_attributes(const struct mount_spec *m, unsigned recursive, struct hf_error *error)
{
    struct mount_attr attributes = {.attr_set = m->attributes, .propagation = MS_PRIVATE};
    if (m->flags & (MOUNT_FOLLOWS | MOUNT_SHARED))
        attributes.propagation = m->flags & MOUNT_SHARED ? MS_SHARED : MS_SLAVE;
    if (sys_mount_setattr(m->fd, recursive, &attributes) < 0)
        return fail(error, "set volume attributes", m->source);
    return 0;
}

int copy_mount(struct mount_spec *m, int dir, const char *path, int users, struct hf_error *error)
{
    struct stat about;
    unsigned recursive = m->flags & MOUNT_RECURSIVE ? AT_RECURSIVE : 0;
    int source = sys_openat2(dir, path, O_PATH, m->flags & MOUNT_STRICT ? RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS : 0);
    if (source < 0 || fstat(source, &about) < 0)
        return fail(error, "open volume", m->source);
    if (check_type(m, about.st_mode, error) < 0)
        return -1;
    source = enter_sub_path(m, source, error);
    if (source < 0)
        return -1;
    m->fd = sys_clone_tree(source, "", recursive);
    if (m->fd < 0 || fstat(m->fd, &about) < 0)
        return fail(error, "open volume", m->source);
    close(source);
    m->is_directory = S_ISDIR(about.st_mode);
    if (users >= 0 && m->flags & MOUNT_IDMAPPED && idmap(m->fd, users, recursive, m->source, error) < 0)
        return -1;
    return set_attributes(m, recursive, error);
}

/* ---- The pod's own volumes: held by its holder, in a directory of the holder's root. */

/* Kernels before 6.4 cannot keep a tmpfs out of swap. */
static int drop_noswap(struct texts *parameters)
{
    if (parameters->count < 2 || strcmp(parameters->items[parameters->count - 2], "noswap") != 0)
        return 0;
    parameters->count -= 2;
    parameters->items[parameters->count] = NULL;
    return 1;
}

int make_pod_volumes(struct sandbox_spec *sandbox, struct hf_error *error)
{
    const unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    for (uint32_t i = 0; i < sandbox->volume_count; i++) {
        struct volume_spec *volume = &sandbox->volumes[i];
        volume->fd = make_fs("tmpfs", volume->parameters.items, attributes, error);
        if (volume->fd < 0 && error->errnum == EINVAL && drop_noswap(&volume->parameters)) {
            *error = (struct hf_error){0};
            volume->fd = make_fs("tmpfs", volume->parameters.items, attributes, error);
        }
        if (volume->fd < 0)
            return -1;
    }
    return 0;
}

int attach_pod_volumes(int root, const struct sandbox_spec *sandbox, struct hf_error *error)
{
    char path[NAME_MAX + sizeof POD_VOLUMES];
    if (mkdirat(root, POD_VOLUMES, 0755) < 0)
        return fail(error, "make directory", POD_VOLUMES);
    for (uint32_t i = 0; i < sandbox->volume_count; i++) {
        snprintf(path, sizeof path, POD_VOLUMES "/%s", sandbox->volumes[i].name);
        int target = make_inside(root, path, 1, error);
        if (target < 0 || attach(sandbox->volumes[i].fd, target, path, error) < 0)
            return -1;
    }
    return 0;
}

int copy_pod_volumes(int root, struct container_spec *c, struct hf_error *error)
{
    char path[NAME_MAX + sizeof POD_VOLUMES];
    for (uint32_t i = 0; i < c->mount_count; i++) {
        struct mount_spec *m = &c->mounts[i];
        if (m->kind != MOUNT_VOLUME)
            continue;
        snprintf(path, sizeof path, POD_VOLUMES "/%s", m->source);
        if (copy_mount(m, root, path, -1, error) < 0)
            return -1;
    }
    return 0;
}
