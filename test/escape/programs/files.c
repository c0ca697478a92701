/* Files and devices of the node. */
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A device by its number, wherever one may write: the kernel's random one, harmless where it works. */
static int make_device(void)
{
    static const char *const places[] = {"made-device", "/dev/made-device", "/dev/shm/made-device"};
    int errnum = EPERM;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (mknod(places[i], S_IFCHR | 0600, makedev(1, 9)) < 0)
            continue;
        int fd = open(places[i], O_RDONLY | O_CLOEXEC);
        errnum = errno;
        unlink(places[i]);
        if (fd >= 0)
            return 0;
    }
    errno = errnum;
    return -1;
}

/* By number instead of by name: handle 2 is the root directory of most file systems ("shocker"). */
static int open_by_handle(void)
{
    struct {
        struct file_handle head;
        unsigned char bytes[MAX_HANDLE_SZ];
    } handle = {.head.handle_bytes = MAX_HANDLE_SZ};
    int mount_id, dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (name_to_handle_at(AT_FDCWD, "/etc", &handle.head, &mount_id, 0) < 0) {
        static const unsigned char root[] = {2, 0, 0, 0, 0, 0, 0, 0};
        handle.head.handle_bytes = sizeof root;
        handle.head.handle_type = 1;
        memcpy(handle.head.f_handle, root, sizeof root);
    }
    return open_by_handle_at(dir, &handle.head, O_RDONLY) < 0 ? -1 : 0;
}

/* Its own words back, so that nothing happens where it works. */
static int set_core_pattern(void)
{
    char text[256];
    int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (got < 0)
        return -1;
    text[got] = '\0';
    return write_text("/proc/sys/kernel/core_pattern", text);
}

/* `h` prints the kernel's help. */
static int press_sysrq(void)
{
    return write_text("/proc/sysrq-trigger", "h");
}

static int read_kernel_memory(void)
{
    char byte;
    int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    errno = ENODATA;
    return read(fd, &byte, 1) == 1 ? 0 : -1;
}

const struct attempt files[] = {
    {"make-device", make_device},
    {"open-by-handle", open_by_handle},
    {"set-core-pattern", set_core_pattern},
    {"press-sysrq", press_sysrq},
    {"read-kernel-memory", read_kernel_memory},
    {0, 0},
};
