#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A container with users of its own can make no devices: it gets the node's. */
int open_bundle_devices(struct bundle_spec *b, struct hf_error *error)
{
    struct stat about;
    if (!has_namespace(b, CLONE_NEWUSER))
        return 0;
    for (uint32_t i = 0; i < b->device_count; i++) {
        struct bundle_device *device = &b->devices[i];
        device->fd = sys_clone_tree(AT_FDCWD, device->path, 0);
        if (device->fd < 0 || fstat(device->fd, &about) < 0)
            return fail(error, "open device", device->path);
        if ((about.st_mode & S_IFMT) != (device->mode & S_IFMT) ||
            about.st_rdev != makedev(device->major, device->minor)) {
            errno = ENODEV;
            return fail(error, "check device", device->path);
        }
    }
    return 0;
}

static int make_links(int root, struct hf_error *error)
{
    static const char *const links[][2] = {
        {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
        {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},
    };
    int dev = open_inside(root, "/dev", O_PATH | O_DIRECTORY);
    if (dev < 0)
        return fail(error, "open device directory", "/dev");
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        if (symlinkat(links[i][0], dev, links[i][1]) < 0 && errno != EEXIST)
            return fail(error, "make device link", links[i][1]);
    return close(dev);
}

/* Returns the directory a path is in, made when missing. */
static int make_parent(int root, const char *path, struct hf_error *error)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (!slash || length >= sizeof parent) {
        errno = EINVAL;
        return fail(error, "make device", path);
    }
    memcpy(parent, path, length);
    parent[length] = '\0';
    return make_path(root, length == 0 ? "/" : parent, 1, error);
}

static int make_node(int root, const struct bundle_device *device, struct hf_error *error)
{
    int parent = make_parent(root, device->path, error);
    if (parent < 0)
        return -1;
    const char *name = strrchr(device->path, '/') + 1;
    if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
        return fail(error, "replace device", device->path);
    if (mknodat(parent, name, device->mode, makedev(device->major, device->minor)) < 0 ||
        fchmodat(parent, name, device->mode & 07777, 0) < 0 ||
        fchownat(parent, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(error, "make device", device->path);
    return close(parent);
}

int fill_bundle_dev(int root, const struct bundle_spec *b, struct hf_error *error)
{
    if (b->flags & BUNDLE_OWN_DEV && make_links(root, error) < 0)
        return -1;
    for (uint32_t i = 0; i < b->device_count; i++) {
        const struct bundle_device *device = &b->devices[i];
        if (device->fd < 0) {
            if (make_node(root, device, error) < 0)
                return -1;
            continue;
        }
        int target = make_path(root, device->path, 0, error);
        if (target < 0 || attach(device->fd, target, device->path, error) < 0)
            return -1;
    }
    return 0;
}
