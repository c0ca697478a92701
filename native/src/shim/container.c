#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* Descriptors a supervising shim keeps, moved to where one call can close all the others. The report socket is there. */
enum { OUT_FD = 3, REPORT_FD, ERR_FD, LOG_DIR_FD, LOG_FD, EXIT_DIR_FD, OUTCOME_FD, GROUP_END_FD, FIRST_UNUSED_FD };

static int make_pipes(const struct container_spec *c, struct start_pipes *pipes, struct hf_error *error)
{
    if (pipe2(pipes->joined, O_CLOEXEC) < 0 || pipe2(pipes->error, O_CLOEXEC) < 0 || pipe2(pipes->out, O_CLOEXEC) < 0 ||
        pipe2(pipes->err, O_CLOEXEC) < 0)
        return fail(error, "pipe", NULL);
    if (fchown(pipes->out[1], c->stream_uid, c->stream_gid) < 0 ||
        fchown(pipes->err[1], c->stream_uid, c->stream_gid) < 0)
        return fail(error, "give away streams", NULL);
    /* The container may open its streams to read them too: what it took must not leave the shim waiting. */
    if (fcntl(pipes->out[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(pipes->err[0], F_SETFL, O_NONBLOCK) < 0)
        return fail(error, "prepare streams", NULL);
    return 0;
}

static void close_writing_ends(const struct start_pipes *pipes)
{
    close(pipes->joined[1]);
    close(pipes->error[1]);
    close(pipes->out[1]);
    close(pipes->err[1]);
}

/* Waits until the joiner has ended, by then the container's first process is there. */
static int await_joiner(const struct start_pipes *pipes, pid_t joiner, struct joined *joined, struct hf_error *error)
{
    struct hf_error reported;
    errno = ECHILD;
    int has_joined = read(pipes->joined[0], joined, sizeof *joined) == sizeof *joined;
    if (!has_joined)
        fail(error, "join sandbox", NULL);
    waitpid(joiner, NULL, 0);
    if (has_joined)
        return 0;
    if (read(pipes->error[0], &reported, sizeof reported) == sizeof reported)
        *error = reported;
    return -1;
}

/* Waits until the program is exec'd, which closes the error pipe. */
static int await_exec(int outcome, struct hf_error *error)
{
    struct hf_error reported;
    errno = ECHILD;
    ssize_t got = read(outcome, &reported, sizeof reported);
    if (got == 0)
        return close(outcome);
    fail(error, "start program", NULL);
    if (got == sizeof reported)
        *error = reported;
    return -1;
}

static int start(struct spec *spec, struct prepared *prepared, struct start_pipes *pipes, struct joined *joined,
                 struct hf_error *error)
{
    pid_t joiner = fork_into_unified_group(&spec->container.groups, error);
    if (joiner == 0)
        join_and_start(spec, prepared, pipes);
    close_writing_ends(pipes);
    return joiner < 0 ? -1 : await_joiner(pipes, joiner, joined, error);
}

/* Lets go of the mounts, namespaces and pipes of the start: they would live as long as the shim. */
static int keep_only(const struct start_pipes *pipes, struct log *log, struct exit_file *exit_file, int *group_end,
                     struct hf_error *error)
{
    const int kept[][2] = {
        {pipes->out[0], OUT_FD},        {pipes->err[0], ERR_FD},       {log->dir, LOG_DIR_FD},     {log->file, LOG_FD},
        {exit_file->dir, EXIT_DIR_FD}, {pipes->error[0], OUTCOME_FD}, {*group_end, GROUP_END_FD},
    };
    enum { COUNT = sizeof kept / sizeof kept[0], HIGH_FD = 200 };
    int high[COUNT];
    const int count = *group_end < 0 ? COUNT - 1 : COUNT;
    for (int i = 0; i < count; i++)
        if ((high[i] = fcntl(kept[i][0], F_DUPFD_CLOEXEC, HIGH_FD)) < 0)
            return fail(error, "keep descriptors", NULL);
    for (int i = 0; i < count; i++)
        if (dup3(high[i], kept[i][1], O_CLOEXEC) < 0)
            return fail(error, "keep descriptors", NULL);
    log->dir = LOG_DIR_FD;
    log->file = LOG_FD;
    exit_file->dir = EXIT_DIR_FD;
    *group_end = *group_end < 0 ? -1 : GROUP_END_FD;
    if (syscall(SYS_close_range, *group_end < 0 ? GROUP_END_FD : FIRST_UNUSED_FD, ~0u, 0u) < 0)
        return fail(error, "close descriptors", NULL);
    return 0;
}

/* What takes time and does not need the program is done while the container's first process makes its root. */
static int await_start(const struct joined *joined, struct hf_report *report, struct hf_error *error)
{
    if (describe_started(report, joined->pid, joined->clamped, error) < 0)
        return -1;
    return await_exec(OUTCOME_FD, error);
}

int run_container(struct spec *spec, int report_fd)
{
    struct hf_error error = {0};
    struct hf_report report;
    struct prepared prepared;
    struct start_pipes pipes;
    struct joined joined = {0};
    struct log log;
    struct exit_file exit_file;
    int group_end = -1;
    if (enter_legacy_groups(&spec->shim_groups, &error) < 0 ||
        exit_file_open(&exit_file, spec->container.exit_path, &error) < 0 ||
        prepare_mounts(spec, &prepared, &error) < 0 || make_pipes(&spec->container, &pipes, &error) < 0 ||
        await_agent(report_fd, &error) < 0 || log_open(&log, &spec->container, &error) < 0 ||
        (spec->flags & (SHARED_PIDS | NODE_PIDS) &&
         open_group_end(&spec->container.groups, &group_end, &error) < 0) ||
        start(spec, &prepared, &pipes, &joined, &error) < 0) {
        report_failed(report_fd, &error);
        return 1;
    }
    if (keep_only(&pipes, &log, &exit_file, &group_end, &error) < 0 || await_start(&joined, &report, &error) < 0) {
        syscall(SYS_kill, joined.pid, SIGKILL);
        waitpid(joined.pid, NULL, __WALL);
        report_failed(report_fd, &error);
        return 1;
    }
    (void)report_described(report_fd, &report);
    forget_spec(spec);
    supervise(joined.pid, OUT_FD, ERR_FD, &log, &exit_file, group_end);
    return 0;
}
