#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t start_time_of(int proc_dir)
{
    char text[1024];
    int fd = openat(proc_dir, "stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT)
            errno = ESRCH;
        return 0;
    }
    ssize_t got = read(fd, text, sizeof text - 1);
    int errnum = got < 0 ? errno : ESRCH;
    close(fd);
    if (got <= 0) {
        errno = errnum;
        return 0;
    }
    text[got] = '\0';
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

uint64_t start_time_of_pid(int32_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", pid);
    int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return 0;
    uint64_t start = start_time_of(dir);
    int errnum = errno;
    close(dir);
    errno = errnum;
    return start;
}

int write_file(int dir, const char *path, const char *text)
{
    size_t length = strlen(text);
    int fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    ssize_t wrote = write(fd, text, length);
    int errnum = wrote < 0 ? errno : EIO;
    close(fd);
    errno = errnum;
    return wrote == (ssize_t)length ? 0 : -1;
}

int make_parents(const char *path)
{
    char copy[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof copy) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(copy, path, length + 1);
    /* Most of them are there, and looking costs less than making in vain. */
    char *last = strrchr(copy + (length > 0), '/');
    if (last) {
        *last = '\0';
        if (access(copy, F_OK) == 0)
            return 0;
        *last = '/';
    }
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return 0;
}

void forget_spec(const struct spec *spec)
{
    const struct spec_memory *memory = &spec->memory;
    (void)munmap(memory->bytes, memory->size);
    (void)munmap(memory->arena, memory->arena_size);
}

int drop_all_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    return (int)syscall(SYS_capset, &header, none);
}
