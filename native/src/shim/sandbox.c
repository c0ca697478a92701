#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <linux/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { NOBODY = 65534 };

int raise_loopback(struct hf_error *error)
{
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    memcpy(request.ifr_name, "lo", sizeof "lo");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(error, "open network socket", NULL);
    int failed = ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? fail(error, "raise loopback", "lo") : 0;
    close(fd);
    return failed;
}

/* Containers run without capabilities: as elsewhere, any port and ping are theirs in the pod's own network. */
static int open_low_ports(struct hf_error *error)
{
    static const char ports[] = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    static const char ping[] = "/proc/sys/net/ipv4/ping_group_range";
    if (write_file(AT_FDCWD, ports, "0") < 0 && errno != ENOENT)
        return fail(error, "set sysctl", ports);
    if (write_file(AT_FDCWD, ping, "0 65535") < 0 && errno != ENOENT)
        return fail(error, "set sysctl", ping);
    return 0;
}

/*
 * User namespaces inside a pod would open to it what the kernel keeps for root, and with that its bugs. Whoever has
 * CAP_SYS_RESOURCE and a writable /proc/sys may allow them again.
 */
static int forbid_nested_users(struct hf_error *error)
{
    static const char most[] = "/proc/sys/user/max_user_namespaces";
    return write_file(AT_FDCWD, most, "0") < 0 && errno != ENOENT ? fail(error, "set sysctl", most) : 0;
}

/*
 * The root of the holder's own mount namespace holds the pod's shared memory and volumes, and nothing else: they are
 * shared by the pod's containers, live as long as the pod, and no mount table of the node shows them. No container sees
 * this root: who can remove the place of a mount removes the mount.
 */
static int make_pod_root(const struct sandbox_spec *sandbox, struct hf_error *error)
{
    static const char *const small[] = {"mode", "755", "size", "4096", NULL};
    static const char *const memory[] = {"mode", "1777", "size", "65536k", NULL};
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(error, "make mounts private", "/");
    int tree = make_fs("tmpfs", small, HARMLESS, error);
    if (tree < 0 || pivot_into(tree, error) < 0)
        return -1;
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(error, "open root", "/");
    int shared = make_fs("tmpfs", memory, HARMLESS, error);
    if (shared < 0)
        return -1;
    int target = make_inside(root, POD_SHARED_MEMORY, 1, error);
    if (target < 0 || attach(shared, target, POD_SHARED_MEMORY, error) < 0)
        return -1;
    return attach_pod_volumes(root, sandbox, error);
}

/* Keeps the namespaces and nothing else: no descriptor, no capability, no way to gain one, deaf to all but SIGKILL. */
static int renounce(struct hf_error *error)
{
    if (chdir("/") < 0 || prctl(PR_SET_NAME, "holdfast-pod") < 0)
        return fail(error, "renounce", NULL);
    if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) < 0 ||
        syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) < 0 || drop_all_capabilities() < 0)
        return fail(error, "drop privileges", NULL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return fail(error, "set no_new_privs", NULL);
    return 0;
}

/* The first process of a pid namespace inherits what loses its parent; ignoring the signal has the kernel reap it. */
static int reap_orphans(struct hf_error *error)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    return sigaction(SIGCHLD, &ignore, NULL) < 0 ? fail(error, "reap orphans", NULL) : 0;
}

static int set_up_namespaces(const struct spec *spec, struct hf_error *error)
{
    if (spec->flags & PRIVATE_USERS && (become_root_of_pod(error) < 0 || forbid_nested_users(error) < 0))
        return -1;
    if (spec->flags & PRIVATE_NETWORK && (raise_loopback(error) < 0 || open_low_ports(error) < 0))
        return -1;
    if (syscall(SYS_sethostname, spec->sandbox.hostname, strlen(spec->sandbox.hostname)) < 0)
        return fail(error, "sethostname", spec->sandbox.hostname);
    if (spec->flags & SHARED_PIDS && reap_orphans(error) < 0)
        return -1;
    return make_pod_root(&spec->sandbox, error) < 0 ? -1 : renounce(error);
}

/* The shim closes its end without a word when it could not write the id maps. */
static int await_maps(int mapped, struct hf_error *error)
{
    char go;
    ssize_t got = read(mapped, &go, 1);
    if (got == 0)
        errno = ECANCELED;
    return got == 1 ? 0 : fail(error, "await id maps", NULL);
}

/* Keeps the outcome's descriptor, now 0, alone. */
static int close_others(int outcome_fd, struct hf_error *error)
{
    if (dup2(outcome_fd, 0) < 0 || syscall(SYS_close_range, 1u, ~0u, 0u) < 0)
        return fail(error, "close descriptors", NULL);
    return 0;
}

static _Noreturn void hold(const struct spec *spec, int mapped, int outcome_fd)
{
    struct hf_error outcome = {0};
    if (await_maps(mapped, &outcome) < 0 || set_up_namespaces(spec, &outcome) < 0 ||
        close_others(outcome_fd, &outcome) < 0) {
        (void)!write(outcome_fd, &outcome, sizeof outcome);
        _exit(1);
    }
    if (write(0, &outcome, sizeof outcome) != sizeof outcome)
        _exit(1);
    close(0);
    forget_spec(spec);
    for (;;)
        pause();
}

static int map_ids(int32_t pid, const struct sandbox_spec *sandbox, struct hf_error *error)
{
    char path[32], map[48];
    snprintf(map, sizeof map, "0 %u %u\n", sandbox->id_base, sandbox->id_count);
    snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
    if (write_file(AT_FDCWD, path, map) < 0)
        return fail(error, "write uid_map", path);
    snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
    return write_file(AT_FDCWD, path, map) < 0 ? fail(error, "write gid_map", path) : 0;
}

static uint64_t new_namespaces(uint32_t flags)
{
    uint64_t namespaces = CLONE_NEWUTS | CLONE_NEWNS;
    if (!(flags & NODE_IPC))
        namespaces |= CLONE_NEWIPC;
    if (flags & SHARED_PIDS)
        namespaces |= CLONE_NEWPID;
    if (flags & PRIVATE_USERS)
        namespaces |= CLONE_NEWUSER;
    if (flags & PRIVATE_NETWORK)
        namespaces |= CLONE_NEWNET;
    return namespaces;
}

static int32_t start_holder(const struct spec *spec, const int mapped[2], const int outcome[2], struct hf_error *error)
{
    struct clone_args args = {.flags = new_namespaces(spec->flags) | CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    /*
     * What a pod uses up of the kernel's allowances for each user (inotify instances and watches, locked memory, queued
     * signals) also counts for the maker of its user namespace: not root, which would then be left without.
     */
    uid_t maker = spec->flags & PRIVATE_USERS ? spec->sandbox.id_base : 0;
    if (syscall(SYS_setresuid, -1, maker, -1) < 0)
        return fail(error, "act as root of the pod", NULL);
    long pid = sys_clone3(&args);
    if (pid == 0) {
        close(mapped[1]);
        hold(spec, mapped[0], outcome[1]);
    }
    int errnum = errno;
    if (syscall(SYS_setresuid, -1, 0, -1) < 0)
        return fail(error, "act as root again", NULL);
    errno = errnum;
    close(mapped[0]);
    close(outcome[1]);
    return pid < 0 ? fail(error, "clone namespaces", NULL) : (int32_t)pid;
}

static int let_holder_go_on(int32_t pid, int mapped, const struct spec *spec, struct hf_error *error)
{
    if (spec->flags & PRIVATE_USERS && map_ids(pid, &spec->sandbox, error) < 0)
        return -1;
    /* A holder that is gone has said why. */
    if (write(mapped, "g", 1) == 1 || errno == EPIPE)
        return 0;
    return fail(error, "let holder go on", NULL);
}

/* The holder's word that all is well is an error without an errno, then the pipe's end; one that died says nothing. */
static int await_outcome(int outcome_fd, struct hf_error *error)
{
    struct hf_error outcome;
    ssize_t got = read(outcome_fd, &outcome, sizeof outcome);
    if (got != sizeof outcome) {
        errno = got < 0 ? errno : ESRCH;
        return fail(error, "keep namespaces", NULL);
    }
    *error = outcome;
    if (outcome.errnum != 0)
        return -1;
    return read(outcome_fd, &outcome, sizeof outcome) == 0 ? 0 : fail(error, "keep namespaces", NULL);
}

/* Starts the holder; its pid is kept even when it failed. */
static int make_sandbox(struct spec *spec, int report_fd, int32_t *pid, struct hf_report *report,
                        struct hf_error *error)
{
    int mapped[2], outcome[2];
    if (await_agent(report_fd, error) < 0)
        return -1;
    if (enter_legacy_groups(&spec->shim_groups, error) < 0 || make_pod_volumes(&spec->sandbox, error) < 0)
        return -1;
    if (pipe2(mapped, O_CLOEXEC) < 0 || pipe2(outcome, O_CLOEXEC) < 0)
        return fail(error, "pipe", NULL);
    *pid = start_holder(spec, mapped, outcome, error);
    if (*pid < 0)
        return -1;
    int went_on = let_holder_go_on(*pid, mapped[1], spec, error);
    close(mapped[1]);
    if (went_on < 0 || describe_started(report, *pid, 0, error) < 0)
        return -1;
    return await_outcome(outcome[0], error);
}

int run_sandbox(struct spec *spec, int report_fd)
{
    struct hf_error error = {0};
    int32_t pid = -1;
    struct hf_report report;
    if (make_sandbox(spec, report_fd, &pid, &report, &error) == 0 && set_pod_sysctls(spec, pid, &error) == 0) {
        (void)report_described(report_fd, &report);
        return 0;
    }
    if (pid > 0) {
        syscall(SYS_kill, pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    report_failed(report_fd, &error);
    return 1;
}
