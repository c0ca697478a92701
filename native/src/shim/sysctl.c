#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <stdio.h>

static int join_namespace(int32_t pid, const char *name, int kind, struct hf_error *error)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || syscall(SYS_setns, fd, kind) < 0)
        return fail(error, "enter namespace of parameters", path);
    return close(fd);
}

/*
 * Whose parameters of a namespace are depends on the kernel: root's of the node before 6.9 or so, then of the user
 * namespace that owns it.
 */
static int set_sysctl(const struct spec *spec, const char *name, const char *value, struct hf_error *error)
{
    char path[HF_PATH_MAX];
    if (snprintf(path, sizeof path, "/proc/sys/%s", name) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return fail(error, "set sysctl", name);
    }
    if (write_file(AT_FDCWD, path, value) == 0)
        return 0;
    if ((errno != EACCES && errno != EPERM) || !(spec->flags & PRIVATE_USERS))
        return fail(error, "set sysctl", path);
    if (syscall(SYS_setresuid, -1, spec->sandbox.id_base, -1) < 0)
        return fail(error, "act as root of the pod", NULL);
    int failed = write_file(AT_FDCWD, path, value) < 0 ? fail(error, "set sysctl", path) : 0;
    if (syscall(SYS_setresuid, -1, 0, -1) < 0)
        return fail(error, "act as root again", NULL);
    return failed;
}

int set_pod_sysctls(const struct spec *spec, int32_t holder, struct hf_error *error)
{
    const struct texts *sysctls = &spec->sandbox.sysctls;
    if (sysctls->count == 0)
        return 0;
    if (spec->flags & PRIVATE_NETWORK && join_namespace(holder, "net", CLONE_NEWNET, error) < 0)
        return -1;
    if (!(spec->flags & NODE_IPC) && join_namespace(holder, "ipc", CLONE_NEWIPC, error) < 0)
        return -1;
    for (uint32_t i = 0; i + 1 < sysctls->count; i += 2)
        if (set_sysctl(spec, sysctls->items[i], sysctls->items[i + 1], error) < 0)
            return -1;
    return 0;
}
