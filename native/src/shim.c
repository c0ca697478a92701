#include "error.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int32_t close_failed(int fd, struct hf_error *error, int errnum, const char *stage, const char *path)
{
    close(fd);
    return hf_fail(error, errnum, stage, path);
}

static int seal(int fd)
{
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

static int copy_file(int to, int from)
{
    struct stat about;
    if (fstat(from, &about) < 0)
        return -1;
    for (off_t left = about.st_size; left > 0;) {
        ssize_t sent = sendfile(to, from, NULL, (size_t)left);
        if (sent <= 0) {
            if (sent == 0)
                errno = EIO;
            return -1;
        }
        left -= sent;
    }
    return 0;
}

HF_API int32_t hf_shim_load(const char *path, struct hf_error *error)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return hf_fail(error, errno, "open shim", path);
    int to = memfd_create("holdfast-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (to < 0)
        return close_failed(from, error, errno, "memfd_create shim", path);
    int failed = copy_file(to, from) < 0 || fchmod(to, 0500) < 0 || seal(to) < 0;
    int errnum = errno;
    close(from);
    return failed ? close_failed(to, error, errnum, "copy shim", path) : to;
}

static int32_t seal_spec(const void *spec, size_t bytes, struct hf_error *error)
{
    int fd = memfd_create("holdfast-spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return hf_fail(error, errno, "memfd_create spec", NULL);
    for (size_t done = 0; done < bytes;) {
        ssize_t wrote = write(fd, (const char *)spec + done, bytes - done);
        if (wrote < 0)
            return close_failed(fd, error, errno, "write spec", NULL);
        done += (size_t)wrote;
    }
    if (seal(fd) < 0)
        return close_failed(fd, error, errno, "seal spec", NULL);
    return fd;
}

static int open_group(const char *path, struct hf_error *error)
{
    int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return group < 0 ? hf_fail(error, errno, "open cgroup", path) : group;
}

static int32_t spawn_in(int group, int32_t shim_fd, int32_t spec_fd, struct hf_error *error)
{
    int ends[2];
    const char *stage;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return hf_fail(error, errno, "socketpair", NULL);
    const struct spawned shim = {
        .program = shim_fd, .name = "holdfast-shim", .fds = {spec_fd, ends[1]}, .group = group};
    int failed = spawn_lost(&shim, &stage);
    close(ends[1]);
    return failed ? close_failed(ends[0], error, failed, stage, NULL) : ends[0];
}

HF_API int32_t hf_shim_spawn(int32_t shim_fd, const char *group, const void *spec, size_t spec_bytes,
                             struct hf_error *error)
{
    int group_fd = group ? open_group(group, error) : -1;
    if (group && group_fd < 0)
        return group_fd;
    int32_t result = seal_spec(spec, spec_bytes, error);
    if (result >= 0) {
        int32_t spec_fd = result;
        result = spawn_in(group_fd, shim_fd, spec_fd, error);
        close(spec_fd);
    }
    if (group_fd >= 0)
        close(group_fd);
    return result;
}
