#include "bundle.h"
#include "kernel.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

/* Each level holds two descriptors open. */
enum { DEEPEST = 64 };

static int copy_tree(int from, int to, int depth, const char *path, struct hf_error *error);

static int set_attributes(int fd, const struct stat *about)
{
    struct timespec times[] = {about->st_atim, about->st_mtim};
    if (fchown(fd, about->st_uid, about->st_gid) < 0 || fchmod(fd, about->st_mode & 07777) < 0)
        return -1;
    return futimens(fd, times);
}

static int copy_bytes(int from, int to)
{
    ssize_t sent;
    do
        sent = sendfile(to, from, NULL, 1 << 20);
    while (sent > 0);
    return (int)sent;
}

static int copy_file(int from, int to, const char *name)
{
    struct stat about;
    /* Non-blocking: by now it could be a pipe. */
    int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (source < 0)
        return -1;
    int copy = -1, copied = -1;
    if (fstat(source, &about) == 0 && S_ISREG(about.st_mode))
        copy = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (copy >= 0) {
        copied = copy_bytes(source, copy) < 0 ? -1 : set_attributes(copy, &about);
        close(copy);
    }
    close(source);
    return copied;
}

static int copy_link(int from, int to, const char *name, const struct stat *about)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(from, name, target, sizeof target - 1);
    if (length < 0)
        return -1;
    target[length] = '\0';
    if (symlinkat(target, to, name) < 0)
        return -1;
    return fchownat(to, name, about->st_uid, about->st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_directory(int from, int to, const char *name, int depth, struct hf_error *error)
{
    if (mkdirat(to, name, 0700) < 0)
        return fail(error, "copy up", name);
    int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int copy = source < 0 ? -1 : openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (copy < 0)
        return fail(error, "copy up", name);
    return copy_tree(source, copy, depth + 1, name, error);
}

static int copy_entry(int from, int to, const char *name, int depth, struct hf_error *error)
{
    struct stat about;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    if (fstatat(from, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(error, "copy up", name);
    if (S_ISDIR(about.st_mode))
        return copy_directory(from, to, name, depth, error);
    int copied = 0;
    if (S_ISREG(about.st_mode))
        copied = copy_file(from, to, name);
    else if (S_ISLNK(about.st_mode))
        copied = copy_link(from, to, name, &about);
    return copied < 0 ? fail(error, "copy up", name) : 0;
}

/* Closes both. */
static int copy_tree(int from, int to, int depth, const char *path, struct hf_error *error)
{
    struct stat about;
    int copied = 0;
    DIR *entries = depth < DEEPEST ? fdopendir(from) : NULL;
    if (!entries) {
        errno = depth < DEEPEST ? errno : ELOOP;
        return fail(error, "copy up", path);
    }
    for (struct dirent *entry; copied == 0 && (entry = readdir(entries));)
        copied = copy_entry(from, to, entry->d_name, depth, error);
    if (copied == 0 && depth > 0 && (fstat(from, &about) < 0 || set_attributes(to, &about) < 0))
        copied = fail(error, "copy up", path);
    closedir(entries);
    close(to);
    return copied;
}

int copy_up(int from, int to, int with_mode, const char *path, struct hf_error *error)
{
    struct stat about;
    int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int copy = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source < 0 || copy < 0 || fstat(source, &about) < 0 || (with_mode && set_attributes(copy, &about) < 0))
        return fail(error, "copy up", path);
    return copy_tree(source, copy, 0, path, error);
}
