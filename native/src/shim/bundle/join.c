#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

int raise_for_bundle(struct bundle_spec *b, uint32_t *clamped, struct hf_error *error)
{
    if (b->flags & BUNDLE_OOM_SCORE && set_oom_score(b->container.oom_score_adj, clamped, error) < 0)
        return -1;
    return raise_limits(&b->container, clamped, error);
}

int fork_joiner(struct bundle_spec *b, struct bundle_ends *ends, joiner_fn *joiner, struct joined *joined,
                struct hf_error *error)
{
    int told[2];
    if (pipe2(told, O_CLOEXEC) < 0)
        return fail(error, "pipe", NULL);
    pid_t pid = fork_into_unified_group(&b->container.groups, error);
    if (pid == 0) {
        joiner(b, ends, told[1]);
        _exit(1);
    }
    close(told[1]);
    close(ends->error[1]);
    if (pid < 0)
        return -1;
    ssize_t got = read(told[0], joined, sizeof *joined);
    int errnum = got < 0 ? errno : ECHILD;
    close(told[0]);
    waitpid(pid, NULL, 0);
    if (got == sizeof *joined)
        return 0;
    *joined = (struct joined){0};
    errno = errnum;
    fail(error, "join namespaces", NULL);
    /* What the joiner made may hold the other end: only of one that failed is there a word to wait for. */
    if (got == 0)
        (void)!read(ends->error[0], error, sizeof *error);
    return -1;
}

_Noreturn void end_joiner(struct bundle_ends *ends, const struct joined *joined, int told, struct hf_error *error)
{
    if (joined->pid > 0 && write(told, joined, sizeof *joined) == sizeof *joined)
        _exit(0);
    if (joined->pid > 0) {
        fail(error, "tell shim of process", NULL);
        syscall(SYS_kill, joined->pid, SIGKILL);
    }
    (void)!write(ends->error[1], error, sizeof *error);
    _exit(1);
}

static _Noreturn void run_init(struct bundle_spec *b, struct bundle_ends *ends, int told)
{
    struct hf_error error = {0};
    close(told);
    close(ends->go[1]);
    close(ends->error[0]);
    become_bundle(b, ends, &error);
    (void)!write(ends->error[1], &error, sizeof error);
    _exit(1);
}

static int start_init(struct bundle_spec *b, struct bundle_ends *ends, int told, struct joined *joined,
                      struct hf_error *error)
{
    /* The init becomes a sibling, so that it falls to whoever watches over the runtime's orphans. */
    struct clone_args args = {.flags = CLONE_PARENT | CLONE_CLEAR_SIGHAND | new_namespaces(b)};
    long made = sys_clone3(&args);
    if (made == 0)
        run_init(b, ends, told);
    if (made < 0)
        return fail(error, "clone container", NULL);
    joined->pid = (int32_t)made;
    return 0;
}

_Noreturn void join_and_start_bundle(struct bundle_spec *bundle, struct bundle_ends *ends, int told)
{
    struct hf_error error = {0};
    struct joined joined = {0};
    if (enter_legacy_groups(&bundle->container.groups, &error) == 0 &&
        raise_for_bundle(bundle, &joined.clamped, &error) == 0 && make_time_namespace(bundle, &error) == 0 &&
        join_namespaces(bundle, &error) == 0)
        (void)start_init(bundle, ends, told, &joined, &error);
    end_joiner(ends, &joined, told, &error);
}
