/* Makes its parent, the shim, its tracer, and then stops at execve as a traced process does. */
#include <sys/ptrace.h>
#include <unistd.h>

int main(void)
{
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
        return 1;
    execl("/bin/busybox", "sh", "-c", "echo let go; exit 5", (char *)0);
    return 2;
}
