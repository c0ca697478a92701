#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* System calls are made raw: a C library's set*id wrappers act on its threads, of which a cloned child has none. */

static int is_refusal(void)
{
    return errno == EPERM || errno == EACCES;
}

int set_oom_score(int32_t score, uint32_t *clamped, struct hf_error *error)
{
    static const char path[] = "/proc/self/oom_score_adj";
    char text[16];
    snprintf(text, sizeof text, "%d", score);
    if (write_file(AT_FDCWD, path, text) == 0)
        return 0;
    *clamped |= HF_CLAMPED_OOM_SCORE;
    return is_refusal() ? 0 : fail(error, "set oom score", path);
}

static int raise_limit(struct limit_spec *limit, uint32_t *clamped, struct hf_error *error)
{
    struct rlimit now;
    if (getrlimit((int)limit->resource, &now) < 0)
        return fail(error, "read rlimit", NULL);
    if (limit->hard <= now.rlim_max)
        return 0;
    struct rlimit wanted = {.rlim_cur = now.rlim_cur, .rlim_max = limit->hard};
    if (setrlimit((int)limit->resource, &wanted) == 0)
        return 0;
    *clamped |= HF_CLAMPED_RLIMIT;
    limit->hard = now.rlim_max;
    if (limit->soft > limit->hard)
        limit->soft = limit->hard;
    return is_refusal() ? 0 : fail(error, "raise rlimit", NULL);
}

int raise_limits(struct container_spec *c, uint32_t *clamped, struct hf_error *error)
{
    for (uint32_t i = 0; i < c->limit_count; i++)
        if (raise_limit(&c->limits[i], clamped, error) < 0)
            return -1;
    return 0;
}

int raise_with_node_power(struct container_spec *c, uint32_t *clamped, struct hf_error *error)
{
    if (set_oom_score(c->oom_score_adj, clamped, error) < 0)
        return -1;
    return raise_limits(c, clamped, error);
}

int set_limits(const struct container_spec *c, struct hf_error *error)
{
    for (uint32_t i = 0; i < c->limit_count; i++) {
        struct rlimit limit = {.rlim_cur = c->limits[i].soft, .rlim_max = c->limits[i].hard};
        if (setrlimit((int)c->limits[i].resource, &limit) < 0)
            return fail(error, "set rlimit", NULL);
    }
    return 0;
}

int become_root_of_pod(struct hf_error *error)
{
    if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0 ||
        syscall(SYS_setgroups, 0, NULL) < 0)
        return fail(error, "become root of the pod", NULL);
    return 0;
}

static int is_known(int capability)
{
    int errnum = errno;
    int known = prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
    errno = errnum;
    return known;
}

int bound_capabilities(uint64_t keep, struct hf_error *error)
{
    for (int capability = 0; capability < 64; capability++) {
        if (keep >> capability & 1)
            continue;
        /* The first one the kernel does not know ends the list. */
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return is_known(capability) ? fail(error, "drop bounding capabilities", NULL) : 0;
    }
    return 0;
}

int set_ids(const struct container_spec *c, struct hf_error *error)
{
    if (syscall(SYS_setgroups, c->extra_gid_count, c->extra_gids) < 0)
        return fail(error, "setgroups", NULL);
    if (syscall(SYS_setresgid, c->gid, c->gid, c->gid) < 0)
        return fail(error, "setresgid", NULL);
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || syscall(SYS_setresuid, c->uid, c->uid, c->uid) < 0 ||
        prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
        return fail(error, "setresuid", NULL);
    umask((mode_t)c->umask);
    return 0;
}

/* Inheritable capabilities serve only a user other than root, who has no other way to keep them over execve. */
static int set_capabilities(const struct container_spec *c, struct hf_error *error)
{
    uint32_t low = (uint32_t)c->capabilities, high = (uint32_t)(c->capabilities >> 32);
    int ambient = c->uid != 0;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = low, .permitted = low, .inheritable = ambient ? low : 0},
        {.effective = high, .permitted = high, .inheritable = ambient ? high : 0},
    };
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, data) < 0)
        return fail(error, "set capabilities", NULL);
    for (int capability = 0; ambient && capability < 64; capability++)
        if (c->capabilities >> capability & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
            return fail(error, "raise ambient capabilities", NULL);
    return 0;
}

int install_filter(const struct container_spec *c, struct hf_error *error)
{
    struct sock_fprog program = {
        .len = (unsigned short)(c->filter_bytes / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)c->filter,
    };
    if (c->filter_bytes > 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return fail(error, "install seccomp filter", NULL);
    return 0;
}

int take_identity(const struct spec *spec, struct hf_error *error)
{
    const struct container_spec *c = &spec->container;
    /* Without no_new_privs only root may install a filter, so it comes before root is given up; else it comes last. */
    if (!(spec->flags & NO_NEW_PRIVILEGES) && install_filter(c, error) < 0)
        return -1;
    if (bound_capabilities(c->capabilities, error) < 0 || set_ids(c, error) < 0)
        return -1;
    return set_capabilities(c, error);
}

int confine(const struct spec *spec, struct hf_error *error)
{
    if (!(spec->flags & NO_NEW_PRIVILEGES))
        return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail(error, "set no_new_privs", NULL);
    return install_filter(&spec->container, error);
}
