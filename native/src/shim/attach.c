#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

int open_inside(int root, const char *path, uint64_t flags)
{
    return sys_openat2(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int open_strict(int root, const char *path, uint64_t flags)
{
    return sys_openat2(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
}

int attach(int mount, int target, const char *path, struct hf_error *error)
{
    if (sys_move_mount(mount, target) < 0)
        return fail(error, "attach mount", path);
    close(mount);
    close(target);
    return 0;
}

int make_fs(const char *type, const char *const *parameters, unsigned attributes, struct hf_error *error)
{
    return make_labelled_fs(type, parameters, "", attributes, error);
}

static int set_parameter(int fs, const char *key, const char *value)
{
    if (value[0] == '\0')
        return sys_fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
    return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
}

int make_labelled_fs(const char *type, const char *const *parameters, const char *label, unsigned attributes,
                     struct hf_error *error)
{
    int fs = sys_fsopen(type);
    if (fs < 0)
        return fail(error, "open file system", type);
    /* What the container's mount table shows as the device. */
    if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", type, 0) < 0)
        return fail(error, "name file system", type);
    for (size_t i = 0; parameters && parameters[i]; i += 2)
        if (set_parameter(fs, parameters[i], parameters[i + 1]) < 0)
            return fail(error, "set mount option", parameters[i]);
    if (label[0] != '\0' && sys_fsconfig(fs, FSCONFIG_SET_STRING, "context", label, 0) < 0)
        return fail(error, "set mount label", label);
    if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return fail(error, "create file system", type);
    int mount = sys_fsmount(fs, attributes);
    if (mount < 0)
        return fail(error, "mount file system", type);
    close(fs);
    return mount;
}

/* The length of the path up to the end of its component that starts at or after `from`; 0 when there is none. */
static size_t next_component(const char *path, size_t from)
{
    while (path[from] == '/')
        from++;
    if (path[from] == '\0')
        return 0;
    return from + strcspn(path + from, "/");
}

/* Nothing may be mounted over the kernel's own views: a program that trusts /proc must find procfs there. */
static int check_target(int target)
{
    struct statfs about;
    if (fstatfs(target, &about) < 0)
        return -1;
    if (about.f_type == PROC_SUPER_MAGIC || about.f_type == SYSFS_MAGIC) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

static int make_component(int root, char *path, size_t parent_end, int want_directory)
{
    char *slash = path + parent_end, *name = slash;
    char kept = *slash;
    *slash = '\0';
    int parent = open_inside(root, parent_end == 0 ? "/" : path, O_PATH | O_DIRECTORY);
    *slash = kept;
    if (parent < 0)
        return -1;
    while (*name == '/')
        name++;
    int made;
    if (want_directory) {
        made = mkdirat(parent, name, 0755);
    } else {
        made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
        if (made >= 0)
            close(made);
    }
    int errnum = errno;
    close(parent);
    errno = errnum;
    return made < 0 && errnum != EEXIST ? -1 : 0;
}

static int make_missing(int root, char *path, int want_directory)
{
    size_t end = 0, parent_end = 0;
    while ((end = next_component(path, parent_end)) != 0) {
        char kept = path[end];
        path[end] = '\0';
        int is_last = next_component(path, end) == 0 && kept == '\0';
        int there = open_inside(root, path, O_PATH);
        if (there >= 0)
            close(there);
        else if (errno != ENOENT || make_component(root, path, parent_end, want_directory || !is_last) < 0)
            return -1;
        path[end] = kept;
        parent_end = end;
    }
    return open_inside(root, path, O_PATH | (want_directory ? O_DIRECTORY : 0));
}

int make_path(int root, const char *path, int want_directory, struct hf_error *error)
{
    char copy[PATH_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length >= sizeof copy) {
        errno = ENAMETOOLONG;
        return fail(error, "make mount point", path);
    }
    memcpy(copy, path, length);
    copy[length] = '\0';
    int target = make_missing(root, copy, want_directory);
    return target < 0 ? fail(error, "make mount point", path) : target;
}

int make_inside(int root, const char *path, int want_directory, struct hf_error *error)
{
    int target = make_path(root, path, want_directory, error);
    if (target >= 0 && check_target(target) < 0)
        return fail(error, "make mount point", path);
    return target;
}
