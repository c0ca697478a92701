#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

/*
 * A fork copies the page tables of all of Node, and a C library's posix_spawn knows no cgroups. So two processes are made
 * here that borrow this one's memory while the thread that made them waits (as vfork does): the first is the parent that
 * the program is to lose at once, the second is born in the program's group and becomes it. They run among other threads
 * whose locks may be held, so they make system calls and nothing else; signals are blocked, for a handler would do more.
 */
enum { FIRST_FD = 3, HIGH_FD = 64, SIGNALS = 64, KERNEL_SIGSET_BYTES = 8 };

struct borrower {
    const struct spawned *what;
    /* What failed in a process that could not become the program. */
    volatile int errnum;
    const char *volatile stage;
};

/* Kept out of ASAN's books, which would take the two stacks for one. */
#define BORROWED __attribute__((no_sanitize_address))

/*
 * Does not return into a C function, whose return address the new process, on the same stack, would have overwritten by
 * the time the old one goes on.
 */
static inline __attribute__((always_inline)) BORROWED long clone_here(const struct clone_args *args)
{
#if defined __x86_64__
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"((long)SYS_clone3), "D"(args), "S"(sizeof *args)
                     : "rcx", "r11", "memory", "cc");
    return result;
#elif defined __aarch64__
    register long number __asm__("x8") = SYS_clone3;
    register long result __asm__("x0") = (long)args;
    register long size __asm__("x1") = sizeof *args;
    __asm__ volatile("svc 0" : "+r"(result) : "r"(number), "r"(size) : "memory", "cc");
    return result;
#else
#error "spawn.c: clone3 is written out for x86_64 and aarch64 only"
#endif
}

/* Runs `run` in a process that borrows this one's memory until it is another program or ends. Returns its pid, or -errno. */
static __attribute__((noinline)) BORROWED long borrow(struct clone_args *args, void (*run)(struct borrower *),
                                                     struct borrower *b)
{
    args->flags |= CLONE_VM | CLONE_VFORK;
    long pid = clone_here(args);
    if (pid == 0) {
        run(b);
        _exit(1);
    }
    return pid;
}

static BORROWED void note(struct borrower *b, int errnum, const char *stage)
{
    b->errnum = errnum;
    b->stage = stage;
}

/* Ignored signals stay ignored over execve, and Node ignores some. Returns 0, or an errno. */
static BORROWED int reset_signals(void)
{
    /* struct sigaction as the kernel has it: handler, flags, restorer, mask; all zero is SIG_DFL. */
    const unsigned long by_default[4] = {0};
    const uint64_t none = 0;
    for (int signal = 1; signal <= SIGNALS; signal++)
        if (signal != SIGKILL && signal != SIGSTOP &&
            syscall(SYS_rt_sigaction, signal, by_default, NULL, (size_t)KERNEL_SIGSET_BYTES) < 0)
            return errno;
    return syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, (size_t)KERNEL_SIGSET_BYTES) < 0 ? errno : 0;
}

/* All are moved up first, so that none is overwritten before it is copied. Returns the program's descriptor, or -1. */
static BORROWED int place_descriptors(const struct spawned *what)
{
    int high[SPAWN_FDS];
    int program = fcntl(what->program, F_DUPFD_CLOEXEC, HIGH_FD);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int high_null = null < 0 ? -1 : fcntl(null, F_DUPFD_CLOEXEC, HIGH_FD);
    if (program < 0 || high_null < 0)
        return -1;
    for (int i = 0; i < SPAWN_FDS; i++)
        if ((high[i] = fcntl(what->fds[i], F_DUPFD_CLOEXEC, HIGH_FD)) < 0)
            return -1;
    for (int fd = 0; fd < FIRST_FD; fd++)
        if (dup2(high_null, fd) < 0)
            return -1;
    for (int i = 0; i < SPAWN_FDS; i++)
        if (dup2(high[i], FIRST_FD + i) < 0)
            return -1;
    return syscall(SYS_close_range, FIRST_FD + SPAWN_FDS, ~0u, CLOSE_RANGE_CLOEXEC) < 0 ? -1 : program;
}

static BORROWED void become_program(struct borrower *b)
{
    char *argv[] = {(char *)b->what->name, NULL}, *envp[] = {NULL};
    int program = place_descriptors(b->what);
    if (program < 0) {
        note(b, errno, "place descriptors");
        return;
    }
    int errnum = reset_signals();
    if (errnum != 0) {
        note(b, errnum, "reset signals");
        return;
    }
    syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
    note(b, errno, "spawn shim");
}

static BORROWED void be_lost(struct borrower *b)
{
    struct clone_args args = {.exit_signal = SIGCHLD};
    if (b->what->group >= 0) {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)b->what->group;
    }
    long pid = borrow(&args, become_program, b);
    if (pid < 0)
        note(b, (int)-pid, "clone shim");
    _exit(0);
}

/* Its end tells nothing: what it did is in our memory. */
static int reap(long pid)
{
    while (waitpid((pid_t)pid, NULL, __WALL) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

int spawn_lost(const struct spawned *what, const char **stage)
{
    const uint64_t all = ~UINT64_C(0);
    uint64_t before;
    struct borrower b = {.what = what, .stage = ""};
    /* Without an exit signal: Node waits for children of its own only. */
    struct clone_args args = {0};
    *stage = "block signals";
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, (size_t)KERNEL_SIGSET_BYTES) < 0)
        return errno;
    long pid = borrow(&args, be_lost, &b);
    int reaped = pid < 0 ? 0 : reap(pid);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, (size_t)KERNEL_SIGSET_BYTES);
    *stage = pid < 0 ? "clone" : b.errnum != 0 ? b.stage : "reap";
    if (pid < 0)
        return (int)-pid;
    return b.errnum != 0 ? b.errnum : reaped;
}
