#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

static int raise_hard_limit(const struct limit_spec *limit, struct hf_error *error)
{
    struct rlimit now;
    if (getrlimit((int)limit->resource, &now) < 0)
        return fail(error, "read rlimit", NULL);
    if (limit->hard <= now.rlim_max)
        return 0;
    now.rlim_max = limit->hard;
    return setrlimit((int)limit->resource, &now) < 0 ? fail(error, "raise rlimit", NULL) : 0;
}

/* What a container with users of its own could not do any more. */
static int raise_what_only_root_can(const struct bundle_spec *b, struct hf_error *error)
{
    static const char score_file[] = "/proc/self/oom_score_adj";
    char score[16];
    snprintf(score, sizeof score, "%d", b->container.oom_score_adj);
    if (b->flags & BUNDLE_OOM_SCORE && write_file(AT_FDCWD, score_file, score) < 0)
        return fail(error, "set oom_score_adj", score);
    for (uint32_t i = 0; i < b->container.limit_count; i++)
        if (raise_hard_limit(&b->container.limits[i], error) < 0)
            return -1;
    return 0;
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

static int start_init(struct bundle_spec *b, struct bundle_ends *ends, int32_t *pid, struct hf_error *error)
{
    /* The init becomes a sibling, so that it falls to whoever watches over the runtime's orphans. */
    struct clone_args args = {.flags = CLONE_PARENT | CLONE_CLEAR_SIGHAND | new_namespaces(b)};
    long made = sys_clone3(&args);
    if (made == 0)
        run_init(b, ends);
    *pid = (int32_t)made;
    return made < 0 ? fail(error, "clone container", NULL) : 0;
}

_Noreturn void join_and_start_bundle(struct bundle_spec *bundle, struct bundle_ends *ends, int joined)
{
    struct hf_error error = {0};
    int32_t pid = 0;
    if (enter_legacy_groups(&bundle->container.groups, &error) == 0 && raise_what_only_root_can(bundle, &error) == 0 &&
        join_namespaces(bundle, &error) == 0 && start_init(bundle, ends, &pid, &error) == 0) {
        (void)!write(joined, &pid, sizeof pid);
        _exit(0);
    }
    (void)!write(ends->error[1], &error, sizeof error);
    _exit(1);
}
