#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { NOT_RUN = 255 };

/* Setting a process into the user namespace it is in already is refused. */
static int is_own(int namespace, const char *name)
{
    char path[32];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/self/%s", name);
    return fstat(namespace, &theirs) == 0 && stat(path, &ours) == 0 && theirs.st_ino == ours.st_ino;
}

/* All are opened before the first is entered: the mount namespace takes the node's /proc away. */
static int enter(int process, struct hf_error *error)
{
    static const char *const names[] = {"ns/ipc", "ns/uts", "ns/net", "ns/cgroup", "ns/pid", "ns/mnt", "ns/user"};
    enum { COUNT = sizeof names / sizeof names[0] };
    int namespaces[COUNT];
    for (int i = 0; i < COUNT; i++) {
        namespaces[i] = openat(process, names[i], O_RDONLY | O_CLOEXEC);
        if (namespaces[i] < 0)
            return fail(error, "open namespace", names[i]);
        if (is_own(namespaces[i], names[i])) {
            close(namespaces[i]);
            namespaces[i] = -1;
        }
    }
    for (int i = 0; i < COUNT; i++)
        if (namespaces[i] >= 0 && syscall(SYS_setns, namespaces[i], 0) < 0)
            return fail(error, "join namespace", names[i]);
    return 0;
}

static int find(const struct visit_spec *visit, struct hf_error *error)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", visit->pid);
    int process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (process >= 0 && start_time_of(process) == visit->start_time)
        return process;
    errno = ESRCH;
    return fail(error, "find container", path);
}

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
    int status, process = find(visit, &error);
    if (process < 0 || enter(process, &error) < 0) {
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
