/*
 * Runs a program and makes one system call of it, or of a process it started, fail without being made. It is given to
 * the backend in place of the shim, so it takes no arguments: the last PATH_MAX bytes of its own file name a control
 * file of three lines: the program, the trace to write, and "<process> <call name> <nth> <errno>", counted from 0.
 *
 * The program runs under a seccomp filter that asks us about every call; its descendants inherit it. The trace has a
 * line "<process> <call name>" for each, and "end" once the last process is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_PROCESSES = 64, MOST_CALLS = 1024, LAST_SHIM_FD = 5 };

struct orders {
    char program[PATH_MAX], trace[PATH_MAX];
    char call[64];
    int process, nth, errnum;
};

struct seen {
    uint32_t pid;
    int calls[MOST_CALLS];
};

static int read_orders(struct orders *orders)
{
    char control[PATH_MAX];
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self < 0 || lseek(self, -PATH_MAX, SEEK_END) < 0 || read(self, control, PATH_MAX) != PATH_MAX)
        return -1;
    close(self);
    FILE *file = fopen(control, "re");
    if (!file)
        return -1;
    int got = fscanf(file, "%4095s %4095s %d %63s %d %d", orders->program, orders->trace, &orders->process,
                     orders->call, &orders->nth, &orders->errnum);
    fclose(file);
    return got == 6 ? 0 : -1;
}

/* Shares our descriptors until it is exec'd, so that the filter's listener becomes ours. */
static _Noreturn void run_program(int program)
{
    struct sock_filter ask[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)};
    struct sock_fprog filter = {1, ask};
    char *argv[] = {"holdfast-shim", NULL}, *envp[] = {NULL};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter) >= 0)
        syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
    _exit(127);
}

/* A copy in memory, by whose name a runtime knows a process that waits for its start. */
static int load_program(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC), copy = memfd_create("holdfast-shim", MFD_CLOEXEC);
    ssize_t sent;
    do
        sent = sendfile(copy, file, NULL, 1 << 20);
    while (sent > 0);
    close(file);
    return sent == 0 ? copy : -1;
}

/* A shim is given descriptors 3 to 5; another program gets none, and the listener must not be one of them. */
static void fill_shim_descriptors(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= LAST_SHIM_FD)
        ;
    close(fd);
}

/* The program becomes a child of our parent, which waits for it. */
static int start_program(const char *program)
{
    fill_shim_descriptors();
    int loaded = load_program(program);
    int listener = dup(0);
    close(listener);
    if (syscall(SYS_clone, CLONE_FILES | CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL) == 0)
        run_program(loaded);
    while (fcntl(listener, F_GETFD) < 0)
        usleep(100);
    return listener;
}

/* Processes are told apart by the order in which they first call. */
static int process_of(struct seen *seen, uint32_t pid)
{
    int i = 0;
    while (i < MOST_PROCESSES - 1 && seen[i].pid != 0 && seen[i].pid != pid)
        i++;
    seen[i].pid = pid;
    return i;
}

static void decide(const struct orders *orders, struct seen *seen, const struct seccomp_notif *asked,
                   struct seccomp_notif_resp *answer, FILE *trace)
{
    int process = process_of(seen, asked->pid), nth = seen[process].calls[asked->data.nr % MOST_CALLS]++;
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, asked->data.nr);
    fprintf(trace, "%d %s\n", process, name ? name : "?");
    *answer = (struct seccomp_notif_resp){.id = asked->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    if (process == orders->process && nth == orders->nth && name && strcmp(name, orders->call) == 0)
        *answer = (struct seccomp_notif_resp){.id = asked->id, .error = -orders->errnum};
    free(name);
}

static void answer_all(const struct orders *orders, int listener, FILE *trace)
{
    static struct seen seen[MOST_PROCESSES];
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    for (int answered = 0;; answered++) {
        struct seccomp_notif asked = {0};
        struct seccomp_notif_resp answer;
        if (poll(&ready, 1, -1) < 0 || !(ready.revents & POLLIN))
            return;
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
            continue;
        /* The first call is the execve that ends the sharing; then the program's descriptors are its own alone. */
        if (answered == 1)
            for (int fd = 3; fd <= LAST_SHIM_FD; fd++)
                close(fd);
        decide(orders, seen, &asked, &answer, trace);
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

/* The program stays in the group it was born in; who kills all of that must not kill us before we have told the rest. */
static void leave_group(void)
{
    static const char *const trees[] = {"/sys/fs/cgroup/unified/cgroup.procs", "/sys/fs/cgroup/cgroup.procs"};
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        int fd = open(trees[i], O_WRONLY | O_CLOEXEC);
        if (fd >= 0 && write(fd, "0", 1) == 1)
            i = sizeof trees;
        close(fd);
    }
}

/* Whoever started the program in our guise sees its end. */
static int end_as_program(pid_t tracer)
{
    int status;
    pid_t ended;
    syscall(SYS_close_range, 0u, ~0u, 0u);
    while ((ended = wait(&status)) == tracer)
        ;
    return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

int main(void)
{
    static struct orders orders;
    if (read_orders(&orders) < 0)
        return 1;
    pid_t tracer = fork();
    if (tracer > 0)
        return end_as_program(tracer);
    setsid();
    int own = open(orders.trace, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *trace = fdopen(fcntl(own, F_DUPFD_CLOEXEC, 100), "w");
    if (!trace)
        return 1;
    close(own);
    int listener = start_program(orders.program);
    leave_group();
    answer_all(&orders, listener, trace);
    fputs("end\n", trace);
    return fclose(trace) == 0 ? 0 : 1;
}
