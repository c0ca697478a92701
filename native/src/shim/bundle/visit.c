#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

enum { NOT_RUN = 255 };

static _Noreturn void run(const struct visit_spec *visit)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* The first argument is the program's path; the others are its argv. */
    execve(visit->args.items[0], (char *const *)visit->args.items + 1, (char *const *)visit->env.items);
    dprintf(2, "holdfast-runtime: %s: errno %d\n", visit->args.items[0], errno);
    _exit(NOT_RUN);
}

int run_visit(const struct visit_spec *visit)
{
    struct hf_error error = {0};
    int status;
    if (enter_container(&visit->container, &error) < 0) {
        dprintf(2, "holdfast-runtime: %s %s: errno %d\n", error.stage, error.path, error.errnum);
        return NOT_RUN;
    }
    /* The pid namespace holds for children only. */
    pid_t pid = fork();
    if (pid == 0)
        run(visit);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return NOT_RUN;
    return WIFEXITED(status) ? WEXITSTATUS(status) : NOT_RUN;
}
