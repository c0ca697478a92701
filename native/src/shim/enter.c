#include "kernel.h"
#include "session.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* All namespaces of the container at once, so that there is no moment with a mixture. */
static int join_container(const struct spec *spec, struct hf_error *error)
{
    const struct container_spec *c = &spec->container;
    int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    if (spec->flags & PRIVATE_NETWORK)
        kinds |= CLONE_NEWNET;
    if (spec->flags & PRIVATE_USERS)
        kinds |= CLONE_NEWUSER;
    int pidfd = (int)syscall(SYS_pidfd_open, c->sandbox_pid, 0);
    if (pidfd < 0)
        return fail(error, "find container", NULL);
    /* The pidfd pins the process; the start time says that it is the one that was meant. */
    uint64_t start_time = start_time_of_pid(c->sandbox_pid);
    if (start_time != c->sandbox_start_time) {
        if (start_time != 0)
            errno = ESRCH;
        return fail(error, "find container", NULL);
    }
    /* Joining users makes a process dumpable again where the node says so. */
    if (syscall(SYS_setns, pidfd, kinds) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return fail(error, "join container", NULL);
    close(pidfd);
    return 0;
}

static int connect_pipes(const struct session_pipes *pipes, struct hf_error *error)
{
    if (dup2(pipes->in[0], 0) < 0 || dup2(pipes->start.out[1], 1) < 0 || dup2(pipes->start.err[1], 2) < 0)
        return fail(error, "connect standard streams", NULL);
    return 0;
}

/*
 * Nothing of this process may be of use to the container, which sees it from the first moment: it cannot be traced or
 * looked into (not dumpable, its memory belonging to the node's users), and no descriptor of the node is in it by execve.
 */
static int become_process(struct spec *spec, struct session_pipes *pipes, int procfs, struct hf_error *error)
{
    const struct container_spec *c = &spec->container;
    if (spec->flags & PRIVATE_USERS && become_root_of_pod(error) < 0)
        return -1;
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setsid() < 0)
        return fail(error, "start session", NULL);
    int connected =
        spec->flags & TERMINAL ? take_terminal(spec, pipes->terminal[1], error) : connect_pipes(pipes, error);
    if (connected < 0 || (has_label(c) && label_program(procfs, c, error) < 0))
        return -1;
    if (leave_keyring(error) < 0 || keep_error_pipe(&pipes->start, error) < 0)
        return -1;
    if (enter_cwd(c->cwd, error) < 0 || set_limits(c, error) < 0 || take_identity(spec, error) < 0 ||
        follow_shim(error) < 0)
        return -1;
    if (unblock_signals(error) < 0 || confine(spec, error) < 0)
        return -1;
    return exec_program(c, error);
}

static _Noreturn void run_process(struct spec *spec, struct session_pipes *pipes, int procfs)
{
    struct hf_error error = {0};
    become_process(spec, pipes, procfs, &error);
    (void)!write(pipes->start.error[1], &error, sizeof error);
    _exit(1);
}

/*
 * A sibling (CLONE_PARENT): the shim reaps it. The kernel itself writes its pid where the shim sees it, before it runs:
 * whatever becomes of this process, no program is there that the shim does not know.
 */
static int start_process(struct spec *spec, struct session_pipes *pipes, int procfs, struct joined *joined,
                         struct hf_error *error)
{
    struct clone_args args = {
        .flags = CLONE_PARENT | CLONE_CLEAR_SIGHAND | CLONE_PARENT_SETTID,
        .parent_tid = (uintptr_t)&joined->pid,
    };
    long pid = sys_clone3(&args);
    if (pid == 0)
        run_process(spec, pipes, procfs);
    return pid < 0 ? fail(error, "clone process", NULL) : 0;
}

_Noreturn void enter_and_start(struct spec *spec, struct session_pipes *pipes, struct joined *joined)
{
    struct hf_error error = {0};
    /* Of no use to the container, which cannot look into this process, and closed before anything of it runs. */
    int procfs = has_label(&spec->container) ? open_procfs(&error) : -1;
    if ((procfs >= 0 || !has_label(&spec->container)) && enter_legacy_groups(&spec->container.groups, &error) == 0 &&
        raise_with_node_power(&spec->container, &joined->clamped, &error) == 0 && join_container(spec, &error) == 0 &&
        start_process(spec, pipes, procfs, joined, &error) == 0) {
        if (write(pipes->start.joined[1], "j", 1) == 1)
            _exit(0);
        fail(&error, "tell shim of process", NULL);
    }
    (void)!write(pipes->start.error[1], &error, sizeof error);
    _exit(1);
}
