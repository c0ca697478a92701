/*
 * Tries to signal and to trace processes by number, first to last, and with `kill-all` ends all it can see. Prints
 * "<pid> signal", "<pid> trace" for each that it could.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    for (int pid = atoi(argv[1]); pid <= atoi(argv[2]); pid++) {
        if (pid == getpid())
            continue;
        if (kill(pid, 0) == 0)
            printf("%d signal\n", pid);
        if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
            printf("%d trace\n", pid);
            ptrace(PTRACE_DETACH, pid, 0, 0);
        }
    }
    fflush(stdout);
    if (argc == 4 && strcmp(argv[3], "kill-all") == 0)
        kill(-1, SIGKILL);
    puts("end");
    return 0;
}
