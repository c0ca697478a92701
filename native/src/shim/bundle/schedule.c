#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <linux/sched/types.h>

/* ioprio_set(2) */
enum { IOPRIO_WHO_PROCESS = 1 };

static int set_cpus(const struct cpu_mask *cpus, int32_t pid, struct hf_error *error)
{
    if (cpus->bytes > 0 && syscall(SYS_sched_setaffinity, pid, cpus->bytes, cpus->mask) < 0)
        return fail(error, "set cpu affinity", NULL);
    return 0;
}

int start_on_first_cpus(const struct schedule_spec *schedule, struct hf_error *error)
{
    return set_cpus(&schedule->first_cpus, 0, error);
}

int schedule_process(const struct schedule_spec *s, int32_t pid, struct hf_error *error)
{
    struct sched_attr attr = {
        .size = sizeof attr,
        .sched_policy = s->policy,
        .sched_flags = s->flags,
        .sched_nice = s->nice,
        .sched_priority = s->priority,
        .sched_runtime = s->runtime,
        .sched_deadline = s->deadline,
        .sched_period = s->period,
    };
    if (set_cpus(&s->cpus, pid, error) < 0)
        return -1;
    if (s->policy != SAME_SCHEDULE && syscall(SYS_sched_setattr, pid, &attr, 0) < 0)
        return fail(error, "set scheduler", NULL);
    if (s->io_priority != SAME_SCHEDULE && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, s->io_priority) < 0)
        return fail(error, "set io priority", NULL);
    return 0;
}
