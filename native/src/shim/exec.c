#include "kernel.h"
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int make_streams(const struct spec *spec, struct session_pipes *pipes, struct hf_error *error)
{
    const struct container_spec *c = &spec->container;
    if (spec->flags & TERMINAL) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipes->terminal) < 0)
            return fail(error, "socketpair", NULL);
        return 0;
    }
    if (pipe2(pipes->in, O_CLOEXEC) < 0 || pipe2(pipes->start.out, O_CLOEXEC) < 0 ||
        pipe2(pipes->start.err, O_CLOEXEC) < 0)
        return fail(error, "pipe", NULL);
    if (fchown(pipes->in[0], c->stream_uid, c->stream_gid) < 0 ||
        fchown(pipes->start.out[1], c->stream_uid, c->stream_gid) < 0 ||
        fchown(pipes->start.err[1], c->stream_uid, c->stream_gid) < 0)
        return fail(error, "give away streams", NULL);
    return 0;
}

static int make_session_pipes(const struct spec *spec, struct session_pipes *pipes, struct hf_error *error)
{
    *pipes = (struct session_pipes){
        .start = {.joined = {-1, -1}, .error = {-1, -1}, .out = {-1, -1}, .err = {-1, -1}},
        .in = {-1, -1},
        .terminal = {-1, -1},
    };
    if (pipe2(pipes->start.joined, O_CLOEXEC) < 0 || pipe2(pipes->start.error, O_CLOEXEC) < 0)
        return fail(error, "pipe", NULL);
    return make_streams(spec, pipes, error);
}

static void close_given_ends(struct session_pipes *pipes)
{
    const int given[] = {pipes->start.joined[1], pipes->start.error[1], pipes->start.out[1],
                         pipes->start.err[1],    pipes->in[0],          pipes->terminal[1]};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        if (given[i] >= 0)
            close(given[i]);
}

/* Reads one struct, unless the agent hangs up before it comes: a container frozen meanwhile would hold us for ever. */
static ssize_t read_unless_left(int fd, int agent, void *to, size_t size)
{
    struct pollfd ready[] = {{fd, POLLIN, 0}, {agent, 0, 0}};
    while (poll(ready, 2, -1) < 0)
        if (errno != EINTR)
            return -1;
    if (ready[0].revents)
        return read(fd, to, size);
    errno = ECANCELED;
    return -1;
}

/* What the joiner made may hold the other end: only of a word that is there already is there a reading. */
static int read_word(int fd, struct hf_error *word)
{
    struct pollfd ready = {fd, POLLIN, 0};
    return poll(&ready, 1, 0) == 1 && read(fd, word, sizeof *word) == sizeof *word;
}

/* Waits until the joiner has ended. By then the program's process is there and known, also when this fails. */
static int await_joiner(const struct session_pipes *pipes, pid_t joiner, int agent, struct hf_error *error)
{
    char done;
    struct hf_error reported;
    ssize_t got = read_unless_left(pipes->start.joined[0], agent, &done, 1);
    errno = got < 0 ? errno : ECHILD;
    if (got != 1)
        fail(error, "join container", NULL);
    /* By now it has ended, unless it is held still. */
    if (got != 1)
        syscall(SYS_kill, joiner, SIGKILL);
    waitpid(joiner, NULL, 0);
    if (got == 1)
        return 0;
    if (read_word(pipes->start.error[0], &reported))
        *error = reported;
    return -1;
}

/* Waits until the program is exec'd, which closes the error pipe. */
static int await_exec(const struct session_pipes *pipes, int agent, struct hf_error *error)
{
    struct hf_error reported;
    ssize_t got = read_unless_left(pipes->start.error[0], agent, &reported, sizeof reported);
    if (got == 0)
        return 0;
    errno = got < 0 ? errno : ECHILD;
    fail(error, "start program", NULL);
    if (got == sizeof reported)
        *error = reported;
    return -1;
}

static int start(struct spec *spec, struct session_pipes *pipes, int agent, struct joined *joined,
                 struct hf_error *error)
{
    if (enter_legacy_groups(&spec->shim_groups, error) < 0 || make_session_pipes(spec, pipes, error) < 0)
        return -1;
    pid_t joiner = fork_into_unified_group(&spec->container.groups, error);
    if (joiner == 0)
        enter_and_start(spec, pipes, joined);
    close_given_ends(pipes);
    return joiner < 0 ? -1 : await_joiner(pipes, joiner, agent, error);
}

static int start_session(struct spec *spec, struct session_pipes *pipes, int report_fd, int agent,
                         struct joined *joined, int *master, struct hf_error *error)
{
    struct hf_report report;
    if (start(spec, pipes, agent, joined, error) < 0 ||
        describe_started(&report, joined->pid, joined->clamped, error) < 0 || await_exec(pipes, agent, error) < 0)
        return -1;
    if (spec->flags & TERMINAL && (*master = receive_master(pipes->terminal[0], error)) < 0)
        return -1;
    return report_described(report_fd, &report) < 0 ? fail(error, "tell the agent", NULL) : 0;
}

/* Memory that stays the same one in every process forked from here on. */
static struct joined *share_joined(struct hf_error *error)
{
    void *at = mmap(NULL, sizeof(struct joined), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at != MAP_FAILED)
        return at;
    fail(error, "share memory", NULL);
    return NULL;
}

int run_exec(struct spec *spec, int report_fd)
{
    struct hf_error error = {0};
    struct session_pipes pipes;
    int master = -1;
    struct joined *joined = share_joined(&error);
    /* The report closes its descriptor; the session goes on over the same socket. */
    int agent = joined ? fcntl(report_fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (joined && agent < 0)
        fail(&error, "keep session", NULL);
    if (agent < 0 || start_session(spec, &pipes, report_fd, agent, joined, &master, &error) < 0) {
        if (joined && joined->pid > 0) {
            syscall(SYS_kill, joined->pid, SIGKILL);
            waitpid(joined->pid, NULL, __WALL);
        }
        report_failed(agent < 0 ? report_fd : agent, &error);
        return 1;
    }
    run_session(agent, joined->pid, &pipes, master);
    return 0;
}
