#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Everything that is found by a path of the node. */
static int open_ends(struct bundle_spec *b, struct bundle_ends *ends, struct hf_error *error)
{
    *ends = (struct bundle_ends){.root = -1, .listener = -1, .console = -1, .terminal = -1};
    if (open_namespaces(b, error) < 0 || open_bundle_binds(b, error) < 0 || open_bundle_devices(b, error) < 0)
        return -1;
    ends->root = open_bundle_root(b, error);
    ends->listener = ends->root < 0 ? -1 : listen_for_start(b->state_dir, error);
    if (ends->listener < 0)
        return -1;
    if (open_console_ends(b, ends, error) < 0)
        return -1;
    if (pipe2(ends->go, O_CLOEXEC) < 0 || pipe2(ends->error, O_CLOEXEC) < 0)
        return fail(error, "pipe", NULL);
    return 0;
}

int tell_runtime(int report_fd, const struct joined *joined, struct hf_error *error)
{
    struct hf_report report;
    if (describe_started(&report, joined->pid, joined->clamped, error) < 0)
        return -1;
    if (send(report_fd, &report, sizeof report, MSG_NOSIGNAL) != sizeof report)
        return fail(error, "tell the runtime", NULL);
    return 0;
}

/* Waits until the init stands where it waits for its start. */
static int await_created(const struct bundle_ends *ends, struct hf_error *error)
{
    struct hf_error told;
    ssize_t got = read(ends->error[0], &told, sizeof told);
    if (got != sizeof told) {
        errno = got < 0 ? errno : ECHILD;
        return fail(error, "create container", NULL);
    }
    *error = told;
    return told.errnum == 0 ? 0 : -1;
}

int let_go_on(const struct bundle_ends *ends, struct hf_error *error)
{
    /* One that is gone has said why. */
    if (write(ends->go[1], "g", 1) == 1 || errno == EPIPE)
        return 0;
    return fail(error, "let container go on", NULL);
}

static int create(const struct bundle_spec *b, const struct bundle_ends *ends, const struct joined *joined,
                  int report_fd, struct hf_error *error)
{
    char go;
    int32_t pid = joined->pid;
    if (write_map(pid, "uid_map", b->uid_map, error) < 0 || write_map(pid, "gid_map", b->gid_map, error) < 0 ||
        schedule_process(&b->schedule, pid, error) < 0)
        return -1;
    if (let_go_on(ends, error) < 0)
        return -1;
    /* The init answers once its namespaces are as configured: hooks find them so. */
    if (await_created(ends, error) < 0)
        return -1;
    if (tell_runtime(report_fd, joined, error) < 0)
        return -1;
    /* The runtime's hooks run now; it closes the socket when one of them fails. */
    ssize_t got = read(report_fd, &go, 1);
    if (got != 1) {
        errno = got < 0 ? errno : ECANCELED;
        return fail(error, "run hooks", NULL);
    }
    return let_go_on(ends, error) < 0 ? -1 : await_created(ends, error);
}

static int start(struct bundle_spec *b, struct bundle_ends *ends, struct joined *joined, int report_fd,
                 struct hf_error *error)
{
    if (fork_joiner(b, ends, join_and_start_bundle, joined, error) < 0)
        return -1;
    close(ends->go[0]);
    if (create(b, ends, joined, report_fd, error) < 0)
        return -1;
    return tell_runtime(report_fd, joined, error);
}

int run_bundle(struct bundle_spec *bundle, int report_fd)
{
    struct hf_error error = {0};
    struct bundle_ends ends;
    struct joined joined = {0};
    if (open_ends(bundle, &ends, &error) == 0 && start(bundle, &ends, &joined, report_fd, &error) == 0)
        return bundle->flags & BUNDLE_WAIT ? wait_for_end(joined.pid, ends.terminal) : 0;
    if (joined.pid > 0) {
        syscall(SYS_kill, joined.pid, SIGKILL);
        waitpid(joined.pid, NULL, __WALL);
    }
    report_failed(report_fd, &error);
    return 1;
}
