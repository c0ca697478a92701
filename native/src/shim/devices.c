#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int makes_devices(const struct spec *spec)
{
    return (spec->flags & (PRIVILEGED | PRIVATE_USERS)) == PRIVILEGED;
}

int open_null(int root, uint64_t flags)
{
    struct stat about;
    int fd = open_strict(root, "/dev/null", flags);
    if (fd < 0)
        return -1;
    if (fstat(fd, &about) == 0) {
        if (S_ISCHR(about.st_mode) && about.st_rdev == makedev(1, 3))
            return fd;
        errno = ENODEV;
    }
    int errnum = errno;
    close(fd);
    errno = errnum;
    return -1;
}

static int make_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

/* `name` is a path below /dev; the directories above it are made first. */
static int make_directories(int dev, const char *name)
{
    char path[HF_PATH_MAX];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof path, "%.*s", (int)(slash - name), name);
        if (mkdirat(dev, path, 0755) < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

static int place_device(int dev, const struct device_spec *device)
{
    const char *name = device->path + sizeof "/dev/" - 1;
    if (make_directories(dev, name) < 0)
        return -1;
    if (device->fd >= 0)
        return make_file(dev, name);
    if (mknodat(dev, name, device->mode, device->rdev) < 0)
        return -1;
    return fchmodat(dev, name, device->mode & 07777, 0);
}

/* Fills the tmpfs before it is attached, through its own descriptor: no path of the image is involved. */
int fill_dev(int dev, const struct spec *spec, struct hf_error *error)
{
    static const char *const links[][2] = {
        {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
        {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},
    };
    static const char *const directories[] = {"pts", "shm", "mqueue"};
    const struct container_spec *c = &spec->container;
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        if (mkdirat(dev, directories[i], 0755) < 0)
            return fail(error, "make device directory", directories[i]);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        if (symlinkat(links[i][0], dev, links[i][1]) < 0)
            return fail(error, "make device link", links[i][1]);
    for (uint32_t i = 0; i < c->device_count; i++)
        if (place_device(dev, &c->devices[i]) < 0)
            return fail(error, "make device", c->devices[i].path);
    return 0;
}

int attach_devices(int root, const struct spec *spec, struct hf_error *error)
{
    const struct container_spec *c = &spec->container;
    for (uint32_t i = 0; i < c->device_count; i++) {
        if (c->devices[i].fd < 0)
            continue;
        int target = open_strict(root, c->devices[i].path, O_PATH);
        if (target < 0)
            return fail(error, "open device", c->devices[i].path);
        if (attach(c->devices[i].fd, target, c->devices[i].path, error) < 0)
            return -1;
    }
    return 0;
}
