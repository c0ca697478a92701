#include "bundle.h"
#include "kernel.h"

#include <signal.h>

enum { SIGNALLED = 128 };

int wait_for_end(int32_t pid)
{
    siginfo_t end;
    sigset_t child;
    struct timespec second = {.tv_sec = 1};
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    /* What this process opened for the start must not be kept open by it. */
    syscall(SYS_close_range, 3u, ~0u, 0u);
    /* Every signal is blocked: one that came before is still there to be taken. */
    while (reap_if_ended(pid, &end) != 1)
        sigtimedwait(&child, NULL, &second);
    return end.si_code == CLD_EXITED ? end.si_status : SIGNALLED + end.si_status;
}
