#include "bundle.h"
#include "kernel.h"
#include "session.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int connect_terminal(const struct bundle_spec *b, int socket, struct hf_error *error)
{
    int slave, master = make_terminal(b->container.uid, b->rows, b->columns, &slave, error);
    if (master < 0 || send_descriptor(socket, master, error) < 0)
        return -1;
    close(master);
    return become_terminal(slave, error);
}

/* As become_process of a pod's exec; only what the process may keep and who is its parent differ. */
static int become_process(const struct bundle_spec *b, struct bundle_ends *ends, int procfs, struct hf_error *error)
{
    const struct container_spec *c = &b->container;
    umask(022);
    if (become_root_of_pod(error) < 0)
        return -1;
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setsid() < 0)
        return fail(error, "start session", NULL);
    if (has_label(c) && label_program(procfs, c, error) < 0)
        return -1;
    if (ends->console >= 0 && connect_terminal(b, ends->console, error) < 0)
        return -1;
    give_away_streams(c);
    if (leave_keyring(error) < 0 || keep_descriptors(b, ends, error) < 0 || enter_cwd(c->cwd, error) < 0)
        return -1;
    return set_limits(c, error) < 0 ? -1 : exec_confined(b, error);
}

static _Noreturn void run_process(const struct bundle_spec *b, struct bundle_ends *ends, int procfs, int told)
{
    struct hf_error error = {0};
    close(told);
    close(ends->go[1]);
    close(ends->error[0]);
    /* Nothing of it happens before the shim knows of it, and can end it. */
    if (await_go(ends, &error) == 0)
        become_process(b, ends, procfs, &error);
    (void)!write(ends->error[1], &error, sizeof error);
    _exit(1);
}

/* A sibling (CLONE_PARENT): the shim reaps it, or whoever watches over the runtime's orphans. */
static int start_process(const struct bundle_spec *b, struct bundle_ends *ends, int procfs, int told,
                         struct joined *joined, struct hf_error *error)
{
    struct clone_args args = {.flags = CLONE_PARENT | CLONE_CLEAR_SIGHAND};
    long pid = sys_clone3(&args);
    if (pid == 0)
        run_process(b, ends, procfs, told);
    if (pid < 0)
        return fail(error, "clone process", NULL);
    joined->pid = (int32_t)pid;
    return 0;
}

/* Joining users makes a process dumpable again where the node says so; others may see it by now. */
static int protect(struct hf_error *error)
{
    return prctl(PR_SET_DUMPABLE, 0) < 0 ? fail(error, "protect process", NULL) : 0;
}

static _Noreturn void join_and_start_process(struct bundle_spec *b, struct bundle_ends *ends, int told)
{
    struct hf_error error = {0};
    struct joined joined = {0};
    int labelled = has_label(&b->container);
    int procfs = labelled ? open_procfs(&error) : -1;
    if (labelled == (procfs >= 0) && enter_legacy_groups(&b->container.groups, &error) == 0 &&
        raise_for_bundle(b, &joined.clamped, &error) == 0 && enter_container(&b->neighbour, &error) == 0 &&
        protect(&error) == 0)
        (void)start_process(b, ends, procfs, told, &joined, &error);
    end_joiner(ends, &joined, told, &error);
}

/* execve closes the error pipe. */
static int await_exec(const struct bundle_ends *ends, struct hf_error *error)
{
    struct hf_error told;
    ssize_t got = read(ends->error[0], &told, sizeof told);
    if (got == 0)
        return 0;
    errno = got < 0 ? errno : ECHILD;
    fail(error, "start program", NULL);
    if (got == sizeof told)
        *error = told;
    return -1;
}

static int start(struct bundle_spec *b, struct bundle_ends *ends, struct joined *joined, struct hf_error *error)
{
    *ends = (struct bundle_ends){.root = -1, .listener = -1, .console = -1, .terminal = -1, .go = {-1, -1}};
    if (open_console_ends(b, ends, error) < 0)
        return -1;
    if (pipe2(ends->go, O_CLOEXEC) < 0 || pipe2(ends->error, O_CLOEXEC) < 0)
        return fail(error, "pipe", NULL);
    if (start_on_first_cpus(&b->schedule, error) < 0 ||
        fork_joiner(b, ends, join_and_start_process, joined, error) < 0)
        return -1;
    close(ends->go[0]);
    if (schedule_process(&b->schedule, joined->pid, error) < 0)
        return -1;
    return let_go_on(ends, error) < 0 ? -1 : await_exec(ends, error);
}

int run_bundle_exec(struct bundle_spec *bundle, int report_fd)
{
    struct hf_error error = {0};
    struct bundle_ends ends;
    struct joined joined = {0};
    if (start(bundle, &ends, &joined, &error) == 0 && tell_runtime(report_fd, &joined, &error) == 0)
        return bundle->flags & BUNDLE_WAIT ? wait_for_end(joined.pid, ends.terminal) : 0;
    if (joined.pid > 0) {
        syscall(SYS_kill, joined.pid, SIGKILL);
        waitpid(joined.pid, NULL, __WALL);
    }
    report_failed(report_fd, &error);
    return 1;
}
