#include "bundle.h"
#include "kernel.h"
#include "session.h"

#include <signal.h>
#include <sys/signalfd.h>

enum { SIGNALLED = 128, KEPT_FD = 3 };

/* What this process opened for the start must not be kept open by it. Returns the place of the one that is kept, or -1. */
static int keep_only(int fd)
{
    if (fd >= 0 && fd != KEPT_FD)
        fd = dup2(fd, KEPT_FD);
    syscall(SYS_close_range, fd < 0 ? 3u : KEPT_FD + 1u, ~0u, 0u);
    return fd;
}

/* Every signal is blocked: one that came before is still there to be taken. */
static void wait_quietly(int32_t pid, siginfo_t *end)
{
    sigset_t child;
    struct timespec second = {.tv_sec = 1};
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    while (reap_if_ended(pid, end) != 1)
        sigtimedwait(&child, NULL, &second);
}

static void wait_on_terminal(int32_t pid, int master, siginfo_t *end)
{
    static struct relay relay;
    sigset_t heard;
    sigemptyset(&heard);
    sigaddset(&heard, SIGCHLD);
    sigaddset(&heard, SIGWINCH);
    begin_relay(&relay, master, signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK));
    while (reap_if_ended(pid, end) != 1)
        serve_relay(&relay);
    end_relay(&relay);
}

int wait_for_end(int32_t pid, int terminal)
{
    siginfo_t end;
    struct hf_error error = {0};
    int master = terminal < 0 ? -1 : receive_master(terminal, &error);
    master = keep_only(master);
    if (master >= 0)
        wait_on_terminal(pid, master, &end);
    else
        wait_quietly(pid, &end);
    return end.si_code == CLD_EXITED ? end.si_status : SIGNALLED + end.si_status;
}
