#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Nothing above the root, no symlink on the way, no magic link, no other file system. */
#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)

/* A path cut at its last slash: an O_PATH fd of the directory, and the name in it. */
struct place {
    int parent;
    const char *name;
};

static int open_beneath(int root, const char *path, int flags, mode_t mode)
{
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC, .mode = mode, .resolve = BENEATH};
    int fd;
    do {
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return fd;
}

static int find_place(int root, const char *path, struct place *place)
{
    char parent[4096] = ".";
    const char *slash = strrchr(path, '/');
    place->name = slash ? slash + 1 : path;
    if (slash == path || !*place->name || strcmp(place->name, ".") == 0 || strcmp(place->name, "..") == 0) {
        errno = EINVAL;
        return -1;
    }
    if (slash) {
        size_t length = (size_t)(slash - path);
        if (length >= sizeof parent) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(parent, path, length);
        parent[length] = '\0';
    }
    place->parent = open_beneath(root, parent, O_PATH | O_DIRECTORY, 0);
    return place->parent < 0 ? -1 : 0;
}

/* Closes the fd that a system call was made on, and turns the call's result into ours. */
static int32_t finish(int fd, int result, struct hf_error *error, const char *stage, const char *path)
{
    int errnum = errno;
    close(fd);
    return result < 0 ? hf_fail(error, errnum, stage, path) : result;
}

HF_API int32_t hf_dir_make(int32_t root, const char *path, struct hf_error *error)
{
    struct place at;
    if (find_place(root, path, &at) < 0)
        return hf_fail(error, errno, "mkdir", path);
    return finish(at.parent, mkdirat(at.parent, at.name, 0755), error, "mkdir", path);
}

HF_API int32_t hf_dir_create(int32_t root, const char *path, struct hf_error *error)
{
    int fd = open_beneath(root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    return fd < 0 ? hf_fail(error, errno, "create", path) : fd;
}

HF_API int32_t hf_dir_symlink(int32_t root, const char *path, const char *target, struct hf_error *error)
{
    struct place at;
    if (find_place(root, path, &at) < 0)
        return hf_fail(error, errno, "symlink", path);
    return finish(at.parent, symlinkat(target, at.parent, at.name), error, "symlink", path);
}

HF_API int32_t hf_dir_link(int32_t root, const char *path, const char *existing, struct hf_error *error)
{
    struct place from;
    struct place to;
    if (find_place(root, existing, &from) < 0)
        return hf_fail(error, errno, "link target", existing);
    if (find_place(root, path, &to) < 0)
        return finish(from.parent, -1, error, "link", path);
    int result = linkat(from.parent, from.name, to.parent, to.name, 0);
    int32_t outcome = finish(to.parent, result, error, "link", path);
    close(from.parent);
    return outcome;
}

static int32_t make_node(int root, const char *path, mode_t mode, struct hf_error *error)
{
    struct place at;
    if (find_place(root, path, &at) < 0)
        return hf_fail(error, errno, "mknod", path);
    return finish(at.parent, mknodat(at.parent, at.name, mode, makedev(0, 0)), error, "mknod", path);
}

HF_API int32_t hf_dir_fifo(int32_t root, const char *path, struct hf_error *error)
{
    return make_node(root, path, S_IFIFO | 0600, error);
}

HF_API int32_t hf_dir_whiteout(int32_t root, const char *path, struct hf_error *error)
{
    return make_node(root, path, S_IFCHR, error);
}

HF_API int32_t hf_dir_kind(int32_t root, const char *path, struct hf_error *error)
{
    struct stat st;
    int fd = open_beneath(root, path, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0)
        return hf_fail(error, errno, "stat", path);
    int32_t outcome = finish(fd, fstat(fd, &st), error, "stat", path);
    return outcome < 0 ? outcome : (int32_t)(st.st_mode & S_IFMT);
}

HF_API int32_t hf_dir_remove(int32_t root, const char *path, struct hf_error *error)
{
    struct place at;
    if (find_place(root, path, &at) < 0)
        return hf_fail(error, errno, "remove", path);
    int result = unlinkat(at.parent, at.name, 0);
    if (result < 0 && errno == EISDIR)
        result = unlinkat(at.parent, at.name, AT_REMOVEDIR);
    return finish(at.parent, result, error, "remove", path);
}

/* Owner first: chown(2) clears the set-id bits. A mode cannot be set through O_PATH itself, and a symlink has none. */
static int set_owner_and_mode(int fd, uint32_t uid, uint32_t gid, uint32_t mode)
{
    struct stat st;
    char self[32];
    if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 || fstat(fd, &st) < 0)
        return -1;
    if (S_ISLNK(st.st_mode))
        return 0;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return chmod(self, mode & 07777);
}

HF_API int32_t hf_dir_set_attributes(int32_t root, const char *path, uint32_t uid, uint32_t gid, uint32_t mode,
                                     int64_t mtime_seconds, struct hf_error *error)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = mtime_seconds}};
    int fd = open_beneath(root, path, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0)
        return hf_fail(error, errno, "set attributes", path);
    int result = set_owner_and_mode(fd, uid, gid, mode);
    if (result == 0)
        result = utimensat(fd, "", times, AT_EMPTY_PATH);
    return finish(fd, result, error, "set attributes", path);
}

HF_API int32_t hf_dir_set_xattr(int32_t root, const char *path, const char *name, const void *value, uint32_t bytes,
                                struct hf_error *error)
{
    int fd = open_beneath(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return hf_fail(error, errno, "set xattr", path);
    return finish(fd, fsetxattr(fd, name, value, bytes, 0), error, "set xattr", path);
}

HF_API int32_t hf_dir_sync(int32_t root, struct hf_error *error)
{
    return syncfs(root) < 0 ? hf_fail(error, errno, "syncfs", NULL) : 0;
}
