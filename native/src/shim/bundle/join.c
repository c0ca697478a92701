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
    int has_joined = read(told[0], joined, sizeof *joined) == sizeof *joined;
    close(told[0]);
    waitpid(pid, NULL, 0);
    if (has_joined)
        return 0;
    errno = ECHILD;
    fail(error, "join namespaces", NULL);
    (void)!read(ends->error[0], error, sizeof *error);
    return -1;
}

static _Noreturn void run_init(struct bundle_spec *b, struct bundle_ends *ends)
{
    struct hf_error error = {0};
    close(ends->go[1]);
    close(ends->error[0]);
    become_bundle(b, ends, &error);
    (void)!write(ends->error[1], &error, sizeof error);
    _exit(1);
}

static int start_init(struct bundle_spec *b, struct bundle_ends *ends, struct joined *joined,
                      struct hf_error *error)
{
    /* The init becomes a sibling, so that it falls to whoever watches over the runtime's orphans. */
    struct clone_args args = {.flags = CLONE_PARENT | CLONE_CLEAR_SIGHAND | new_namespaces(b)};
    long made = sys_clone3(&args);
    if (made == 0)
        run_init(b, ends);
    joined->pid = (int32_t)made;
    return made < 0 ? fail(error, "clone container", NULL) : 0;
}

_Noreturn void join_and_start_bundle(struct bundle_spec *bundle, struct bundle_ends *ends, int told)
{
    struct hf_error error = {0};
    struct joined joined = {0};
    if (enter_legacy_groups(&bundle->container.groups, &error) == 0 && raise_for_bundle(bundle, &joined.clamped, &error) == 0 &&
        make_time_namespace(bundle, &error) == 0 && join_namespaces(bundle, &error) == 0 && start_init(bundle, ends, &joined, &error) == 0) {
        (void)!write(told, &joined, sizeof joined);
        _exit(0);
    }
    (void)!write(ends->error[1], &error, sizeof error);
    _exit(1);
}
