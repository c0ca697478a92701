/* Makes its parent, the shim, its tracer, and stops under it again and again; then idles as a tracee, and ends. */
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(void)
{
    for (int i = 0; i < 200; i++) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
            return 1;
        raise(SIGTRAP);
    }
    puts("traced");
    fflush(stdout);
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
        return 1;
    sleep(1);
    return 7;
}
