#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* From here on only what standard streams need and the error pipe stay open, the latter until execve. */
enum { ERROR_FD = 3 };

static int connect_streams(int root, const struct start_pipes *pipes, struct hf_error *error)
{
    int null = open_null(root, O_RDONLY);
    if (null < 0)
        return fail(error, "open standard input", "/dev/null");
    if (dup2(null, 0) < 0 || dup2(pipes->out[1], 1) < 0 || dup2(pipes->err[1], 2) < 0)
        return fail(error, "connect standard streams", NULL);
    return 0;
}

static int make_root(struct spec *spec, const struct prepared *prepared, struct hf_error *error)
{
    struct own_mounts own;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(error, "make mounts private", "/");
    if (make_own_mounts(spec, prepared, &own, error) < 0 || pivot_into(prepared->root, error) < 0)
        return -1;
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(error, "open root", "/");
    if (attach_own_mounts(root, spec, &own, error) < 0 || attach_volumes(root, &spec->container, error) < 0)
        return -1;
    return root;
}

int keep_error_pipe(struct start_pipes *pipes, struct hf_error *error)
{
    if (pipes->error[1] != ERROR_FD && dup3(pipes->error[1], ERROR_FD, O_CLOEXEC) < 0)
        return fail(error, "keep error pipe", NULL);
    pipes->error[1] = ERROR_FD;
    return syscall(SYS_close_range, ERROR_FD + 1, ~0u, 0u) < 0 ? fail(error, "close descriptors", NULL) : 0;
}

int leave_keyring(struct hf_error *error)
{
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
        return fail(error, "leave session keyring", NULL);
    return 0;
}

int follow_shim(struct hf_error *error)
{
    struct pollfd reader = {.fd = ERROR_FD};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return fail(error, "follow shim", NULL);
    int ready = poll(&reader, 1, 0);
    if (ready > 0 && reader.revents & POLLERR)
        _exit(1);
    return ready < 0 ? fail(error, "look for shim", NULL) : 0;
}

int unblock_signals(struct hf_error *error)
{
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? fail(error, "unblock signals", NULL) : 0;
}

int become_container(struct spec *spec, const struct prepared *prepared, struct start_pipes *pipes,
                     struct hf_error *error)
{
    const struct container_spec *c = &spec->container;
    umask(022);
    if (spec->flags & PRIVATE_USERS && become_root_of_pod(error) < 0)
        return -1;
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setsid() < 0)
        return fail(error, "start session", NULL);
    if (leave_keyring(error) < 0 || label_from_node(c, error) < 0)
        return -1;
    int root = make_root(spec, prepared, error);
    if (root < 0 || connect_streams(root, pipes, error) < 0)
        return -1;
    if (make_cwd(root, c->cwd, error) < 0 || protect_paths(root, &spec->container, spec->flags, error) < 0)
        return -1;
    if (keep_error_pipe(pipes, error) < 0 || enter_cwd(c->cwd, error) < 0)
        return -1;
    if (set_limits(c, error) < 0 || take_identity(spec, error) < 0 || follow_shim(error) < 0)
        return -1;
    if (unblock_signals(error) < 0 || confine(spec, error) < 0)
        return -1;
    return exec_program(c, error);
}
