#include "kernel.h"
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* What background processes go on writing after the program's end is not waited for. */
enum { DRAIN_MAX = 1 << 20 };

struct session {
    int agent, in, out, err, master;
    int32_t pid;
    int input_ended, left;
    /* The kernel did not say whether the program has ended: its word that it has may be spent. */
    int unsure;
    struct frame_header header;
    size_t header_used, body_used;
    uint32_t body[2];
    size_t input_used;
    uint32_t taken;
    /* A frame on its way to the agent. */
    size_t sending, sent;
    char input[INPUT_WINDOW];
    char output[sizeof(struct frame_header) + OUTPUT_MAX];
};

static void flush(struct session *s)
{
    while (s->sent < s->sending) {
        ssize_t wrote = send(s->agent, s->output + s->sent, s->sending - s->sent, MSG_NOSIGNAL);
        if (wrote < 0 && errno == EAGAIN)
            return;
        if (wrote < 0) {
            s->left = 1;
            return;
        }
        s->sent += (size_t)wrote;
    }
    s->sending = s->sent = 0;
}

/* The body is already in place, or copied there. Nothing else may be on its way. */
static void send_frame(struct session *s, uint32_t kind, const void *body, size_t length)
{
    struct frame_header header = {kind, (uint32_t)length};
    memcpy(s->output, &header, sizeof header);
    if (body)
        memcpy(s->output + sizeof header, body, length);
    s->sending = sizeof header + length;
    flush(s);
}

static void close_input(struct session *s)
{
    if (s->in >= 0 && s->in != s->master)
        close(s->in);
    s->in = -1;
}

/* A program that closed its input, or ended, takes the rest of it too: the agent must not wait. */
static void give_input(struct session *s)
{
    ssize_t wrote = s->in < 0 ? -1 : write(s->in, s->input, s->input_used);
    if (wrote < 0 && s->in >= 0 && errno == EAGAIN)
        return;
    if (wrote < 0) {
        close_input(s);
        wrote = (ssize_t)s->input_used;
    }
    s->taken += (uint32_t)wrote;
    s->input_used -= (size_t)wrote;
    memmove(s->input, s->input + wrote, s->input_used);
    if (s->input_ended && s->input_used == 0)
        close_input(s);
}

static void obey(struct session *s)
{
    switch (s->header.kind) {
    case FRAME_INPUT_END:
        s->input_ended = 1;
        break;
    case FRAME_RESIZE:
        if (s->master >= 0)
            resize_terminal(s->master, s->body[0], s->body[1]);
        return;
    case FRAME_SIGNAL:
        if (syscall(SYS_kill, -s->pid, s->body[0]) < 0)
            syscall(SYS_kill, s->pid, s->body[0]);
        return;
    default:
        break;
    }
    if (s->input_used > 0 || s->input_ended)
        give_input(s);
}

static size_t room_for(const struct session *s)
{
    switch (s->header.kind) {
    case FRAME_INPUT:
        return INPUT_WINDOW - s->input_used;
    case FRAME_RESIZE:
    case FRAME_SIGNAL:
        return sizeof s->body;
    default:
        return 0;
    }
}

/* Takes in what the agent sent. It has left when it hung up, or sends what nobody of ours would. */
static void receive(struct session *s)
{
    int in_header = s->header_used < sizeof s->header;
    char *to = (char *)s->body + s->body_used;
    if (in_header)
        to = (char *)&s->header + s->header_used;
    else if (s->header.kind == FRAME_INPUT)
        to = s->input + s->input_used;
    size_t wanted = in_header ? sizeof s->header - s->header_used : s->header.length - s->body_used;
    ssize_t got = read(s->agent, to, wanted);
    if (got <= 0) {
        s->left = got == 0 || errno != EAGAIN;
        return;
    }
    if (in_header) {
        s->header_used += (size_t)got;
        s->body_used = 0;
        if (s->header_used < sizeof s->header)
            return;
        s->left = s->header.length > room_for(s);
    } else {
        s->body_used += (size_t)got;
        if (s->header.kind == FRAME_INPUT)
            s->input_used += (size_t)got;
    }
    if (s->left || s->body_used < s->header.length)
        return;
    obey(s);
    s->header_used = 0;
}

/* Returns how much there was; a stream that has ended is closed. */
static size_t take_output(struct session *s, int *stream, uint32_t kind)
{
    ssize_t got = read(*stream, s->output + sizeof(struct frame_header), OUTPUT_MAX);
    if (got > 0) {
        send_frame(s, kind, NULL, (size_t)got);
        return (size_t)got;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (*stream != s->master)
        close(*stream);
    *stream = -1;
    return 0;
}

static void serve(struct session *s, int signals)
{
    int busy = s->sending > 0;
    struct pollfd ready[] = {
        {s->agent, (short)(busy ? POLLIN | POLLOUT : POLLIN), 0},
        {signals, POLLIN, 0},
        {s->input_used > 0 ? s->in : -1, POLLOUT, 0},
        {busy ? -1 : s->out, POLLIN, 0},
        {busy ? -1 : s->err, POLLIN, 0},
    };
    struct signalfd_siginfo info;
    if (poll(ready, sizeof ready / sizeof ready[0], signals < 0 || s->unsure ? 100 : -1) < 0)
        return;
    while (signals >= 0 && read(signals, &info, sizeof info) > 0)
        ;
    if (ready[0].revents & POLLOUT)
        flush(s);
    if (ready[0].revents & ~POLLOUT)
        receive(s);
    if (ready[2].revents)
        give_input(s);
    if (ready[3].revents && s->sending == 0)
        take_output(s, &s->out, FRAME_OUTPUT);
    if (ready[4].revents && s->sending == 0)
        take_output(s, &s->err, FRAME_ERRORS);
    if (s->taken > 0 && s->sending == 0) {
        uint32_t taken = s->taken;
        s->taken = 0;
        send_frame(s, FRAME_TAKEN, &taken, sizeof taken);
    }
}

static void drain(struct session *s, int *stream, uint32_t kind)
{
    size_t got = 1;
    for (size_t left = DRAIN_MAX; *stream >= 0 && got > 0 && left > 0 && !s->left; left -= got < left ? got : left)
        got = take_output(s, stream, kind);
}

static void tell_end(struct session *s, const siginfo_t *end)
{
    int exited = end->si_code == CLD_EXITED;
    int32_t body[] = {exited ? end->si_status : -1, exited ? 0 : end->si_status};
    if (s->left)
        return;
    fcntl(s->agent, F_SETFL, 0);
    flush(s);
    drain(s, &s->out, FRAME_OUTPUT);
    drain(s, &s->err, FRAME_ERRORS);
    if (!s->left)
        send_frame(s, FRAME_EXIT, body, sizeof body);
    if (s->left)
        return;
    /* The agent hangs up when it has heard; were we first, what it still sends would break off what it still reads. */
    while (read(s->agent, s->input, sizeof s->input) > 0)
        ;
}

static void kill_all(const struct session *s)
{
    syscall(SYS_kill, -s->pid, SIGKILL);
    syscall(SYS_kill, s->pid, SIGKILL);
}

void run_session(int agent, int32_t pid, const struct session_pipes *pipes, int master)
{
    static struct session session;
    struct session *s = &session;
    siginfo_t end;
    sigset_t child;
    s->agent = agent;
    s->pid = pid;
    s->master = master;
    s->in = master < 0 ? pipes->in[1] : master;
    s->out = master < 0 ? pipes->start.out[0] : master;
    s->err = master < 0 ? pipes->start.err[0] : -1;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    const int streams[] = {s->agent, s->in, s->out, s->err};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++)
        if (streams[i] >= 0)
            fcntl(streams[i], F_SETFL, O_NONBLOCK);
    for (int ended = reap_if_ended(pid, &end); ended != 1; ended = reap_if_ended(pid, &end)) {
        s->unsure = ended < 0;
        if (!s->left) {
            serve(s, signals);
            continue;
        }
        kill_all(s);
        poll(NULL, 0, 10);
    }
    tell_end(s, &end);
}
