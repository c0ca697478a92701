#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

int make_own_mounts(const struct spec *spec, const struct prepared *prepared, struct own_mounts *own,
                    struct hf_error *error)
{
    static const char *const dev[] = {"mode", "755", "size", "65536k", NULL};
    static const char *const pts[] = {"ptmxmode", "0666", "mode", "0620", NULL};
    /* With CAP_MKNOD a device made in /dev would be any device of the node. */
    unsigned no_devices = makes_devices(spec) ? 0u : MOUNT_ATTR_NODEV;
    unsigned sys = HARMLESS | (spec->flags & PRIVILEGED ? 0u : MOUNT_ATTR_RDONLY);
    own->proc = prepared->proc >= 0 ? prepared->proc : make_fs("proc", NULL, HARMLESS, error);
    if (own->proc < 0)
        return -1;
    own->sysfs = prepared->sysfs >= 0 ? prepared->sysfs : make_fs("sysfs", NULL, sys, error);
    if (own->sysfs < 0)
        return -1;
    const char *label = spec->container.mount_label;
    own->dev = make_labelled_fs("tmpfs", dev, label, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | no_devices, error);
    if (own->dev < 0)
        return -1;
    own->pts = make_labelled_fs("devpts", pts, label, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, error);
    if (own->pts < 0)
        return -1;
    own->shm = prepared->shared_memory;
    own->mqueue = prepared->mqueue >= 0 ? prepared->mqueue : make_fs("mqueue", NULL, HARMLESS, error);
    return own->mqueue < 0 ? -1 : 0;
}

int pivot_into(int root_mount, struct hf_error *error)
{
    /* Any directory of the old root serves as the place to pivot from; "/" is always there. */
    int place = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place < 0 || sys_move_mount(root_mount, place) < 0)
        return fail(error, "mount root", "/");
    close(place);
    if (fchdir(root_mount) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return fail(error, "pivot_root", "/");
    if (umount2(".", MNT_DETACH) < 0)
        return fail(error, "leave old root", "/");
    return chdir("/") < 0 ? fail(error, "enter root", "/") : 0;
}

static int attach_built_in(int root, const char *path, int mount, struct hf_error *error)
{
    int target = open_strict(root, path, O_PATH | O_DIRECTORY);
    if (target < 0 && errno == ENOENT && mkdirat(root, path + 1, 0755) == 0)
        target = open_strict(root, path, O_PATH | O_DIRECTORY);
    return target < 0 ? fail(error, "open mount point", path) : attach(mount, target, path, error);
}

int attach_own_mounts(int root, const struct spec *spec, struct own_mounts *own, struct hf_error *error)
{
    if (fill_dev(own->dev, spec, error) < 0 || attach_built_in(root, "/proc", own->proc, error) < 0 ||
        attach_built_in(root, "/sys", own->sysfs, error) < 0 || attach_built_in(root, "/dev", own->dev, error) < 0)
        return -1;
    if (attach_built_in(root, "/dev/pts", own->pts, error) < 0 ||
        attach_built_in(root, "/dev/shm", own->shm, error) < 0 ||
        attach_built_in(root, "/dev/mqueue", own->mqueue, error) < 0)
        return -1;
    return attach_devices(root, spec, error);
}

int attach_volumes(int root, const struct container_spec *c, struct hf_error *error)
{
    for (uint32_t i = 0; i < c->mount_count; i++) {
        struct mount_spec *m = &c->mounts[i];
        if (m->kind == MOUNT_TMPFS)
            m->fd = make_fs("tmpfs", m->parameters.items, (unsigned)m->attributes, error);
        if (m->fd < 0)
            return -1;
        int target = make_inside(root, m->destination, m->is_directory, error);
        if (target < 0 || attach(m->fd, target, m->destination, error) < 0)
            return -1;
    }
    return 0;
}

int mask_path(int root, const char *path, struct hf_error *error)
{
    static const char *const empty[] = {"size", "4096", "nr_inodes", "2", NULL};
    struct stat about;
    int target = open_inside(root, path, O_PATH);
    if (target < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : fail(error, "mask path", path);
    if (fstat(target, &about) < 0)
        return fail(error, "mask path", path);
    int cover;
    if (S_ISDIR(about.st_mode)) {
        cover = make_fs("tmpfs", empty, HARMLESS | MOUNT_ATTR_RDONLY, error);
        if (cover < 0)
            return -1;
    } else {
        int null = open_null(root, O_PATH);
        cover = null < 0 ? -1 : sys_clone_tree(null, "", 0);
        if (cover < 0)
            return fail(error, "mask path", path);
        close(null);
    }
    return attach(cover, target, path, error);
}

int make_readonly(int root, const char *path, struct hf_error *error)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | HARMLESS};
    int target = open_inside(root, path, O_PATH);
    if (target < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : fail(error, "make read-only", path);
    int tree = sys_clone_tree(target, "", AT_RECURSIVE);
    if (tree < 0 || sys_mount_setattr(tree, AT_RECURSIVE, &attributes) < 0)
        return fail(error, "make read-only", path);
    return attach(tree, target, path, error);
}

int protect_paths(int root, const struct container_spec *c, uint32_t flags, struct hf_error *error)
{
    struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
    for (uint32_t i = 0; i < c->readonly.count; i++)
        if (make_readonly(root, c->readonly.items[i], error) < 0)
            return -1;
    for (uint32_t i = 0; i < c->masked.count; i++)
        if (mask_path(root, c->masked.items[i], error) < 0)
            return -1;
    if (flags & READONLY_ROOT && sys_mount_setattr(root, 0, &readonly) < 0)
        return fail(error, "make root read-only", "/");
    return 0;
}
