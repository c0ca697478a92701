#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

enum { LONGEST = 4096 };

/*
 * The node's own procfs, or nothing: written to another one, a label would be believed to hold and would not. Taken
 * before the node's files are out of reach, because the container's procfs is the container's.
 */
int open_procfs(struct hf_error *error)
{
    struct statfs about;
    int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0 || fstatfs(proc, &about) < 0)
        return fail(error, "open procfs", "/proc");
    if (about.f_type == PROC_SUPER_MAGIC)
        return proc;
    errno = ENODEV;
    return fail(error, "check procfs", "/proc");
}

static int write_label(int proc, const char *file, const char *text)
{
    int fd = sys_openat2(proc, file, O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
    size_t length = strnlen(text, LONGEST);
    if (fd < 0)
        return -1;
    /* In one call: the kernel takes each as a whole label. */
    ssize_t wrote = write(fd, text, length);
    int errnum = wrote < 0 ? errno : EIO;
    close(fd);
    errno = errnum;
    return wrote == (ssize_t)length ? 0 : -1;
}

int label_program(int proc, const struct container_spec *c, struct hf_error *error)
{
    char text[LONGEST];
    int length = snprintf(text, sizeof text, "exec %s", c->apparmor_profile);
    errno = ENAMETOOLONG;
    if (length >= LONGEST)
        return fail(error, "set AppArmor profile", NULL);
    if (c->apparmor_profile[0] != '\0' && write_label(proc, "self/attr/apparmor/exec", text) < 0)
        return fail(error, "set AppArmor profile", c->apparmor_profile);
    if (c->selinux_label[0] != '\0' && write_label(proc, "self/attr/exec", c->selinux_label) < 0)
        return fail(error, "set SELinux label", c->selinux_label);
    return 0;
}

int has_label(const struct container_spec *c)
{
    return c->apparmor_profile[0] != '\0' || c->selinux_label[0] != '\0';
}

int label_from_node(const struct container_spec *c, struct hf_error *error)
{
    if (!has_label(c))
        return 0;
    int proc = open_procfs(error);
    if (proc < 0 || label_program(proc, c, error) < 0)
        return -1;
    return close(proc);
}
