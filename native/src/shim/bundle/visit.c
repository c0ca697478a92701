#include "bundle.h"
#include "kernel.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { NOT_RUN = 255 };

static _Noreturn void run(const struct visit_spec *visit, int report_fd)
{
    struct hf_error error = {0};
    sigset_t none;
    sigemptyset(&none);
    /* A hook that takes too long ends with us. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
        fail(&error, "prepare hook", NULL);
    else {
        /* The first argument is the program's path; the others are its argv. */
        execve(visit->args.items[0], (char *const *)visit->args.items + 1, (char *const *)visit->env.items);
        fail(&error, "execve", visit->args.items[0]);
    }
    report_failed(report_fd, &error);
    _exit(NOT_RUN);
}

static int visit_and_wait(const struct visit_spec *visit, int report_fd, int *status, struct hf_error *error)
{
    if (enter_container(&visit->container, error) < 0)
        return -1;
    /* The pid namespace holds for children only. */
    pid_t pid = fork();
    if (pid == 0)
        run(visit, report_fd);
    if (pid < 0)
        return fail(error, "fork hook", NULL);
    if (waitpid(pid, status, 0) == pid)
        return 0;
    fail(error, "wait for hook", NULL);
    syscall(SYS_kill, pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return -1;
}

int run_visit(const struct visit_spec *visit, int report_fd)
{
    struct hf_error error = {0};
    int status;
    if (visit_and_wait(visit, report_fd, &status, &error) < 0) {
        report_failed(report_fd, &error);
        return NOT_RUN;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : NOT_RUN;
}
