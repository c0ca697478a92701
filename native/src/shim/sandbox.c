#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <linux/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { NOBODY = 65534 };

static int raise_loopback(struct hf_error *error)
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

static int set_up_namespaces(const struct spec *spec, struct hf_error *error)
{
    if (spec->flags & PRIVATE_USERS && become_root_of_pod(error) < 0)
        return -1;
    if (spec->flags & PRIVATE_NETWORK && (raise_loopback(error) < 0 || open_low_ports(error) < 0))
        return -1;
    if (syscall(SYS_sethostname, spec->sandbox.hostname, strlen(spec->sandbox.hostname)) < 0)
        return fail(error, "sethostname", spec->sandbox.hostname);
    return renounce(error);
}

static _Noreturn void hold(const struct spec *spec, int mapped, int error_fd)
{
    struct hf_error error = {0};
    sigset_t all;
    char go;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    /* The shim closes its end without a word when it could not write the id maps. */
    if (read(mapped, &go, 1) != 1)
        _exit(1);
    if (set_up_namespaces(spec, &error) < 0) {
        (void)!write(error_fd, &error, sizeof error);
        _exit(1);
    }
    syscall(SYS_close_range, 0u, ~0u, 0u);
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
    uint64_t namespaces = CLONE_NEWIPC | CLONE_NEWUTS;
    if (flags & PRIVATE_USERS)
        namespaces |= CLONE_NEWUSER;
    if (flags & PRIVATE_NETWORK)
        namespaces |= CLONE_NEWNET;
    return namespaces;
}

static int32_t start_holder(const struct spec *spec, const int mapped[2], const int failed[2], struct hf_error *error)
{
    struct clone_args args = {.flags = new_namespaces(spec->flags) | CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    long pid = sys_clone3(&args);
    if (pid == 0) {
        close(mapped[1]);
        hold(spec, mapped[0], failed[1]);
    }
    close(mapped[0]);
    close(failed[1]);
    return pid < 0 ? fail(error, "clone namespaces", NULL) : (int32_t)pid;
}

/* Returns the holder's pid once its namespaces are ready. */
static int32_t make_sandbox(const struct spec *spec, struct hf_error *error)
{
    int mapped[2], failed[2];
    if (enter_legacy_groups(&spec->shim_groups, error) < 0)
        return -1;
    if (pipe2(mapped, O_CLOEXEC) < 0 || pipe2(failed, O_CLOEXEC) < 0)
        return fail(error, "pipe", NULL);
    int32_t pid = start_holder(spec, mapped, failed, error);
    if (pid < 0)
        return -1;
    int refused = spec->flags & PRIVATE_USERS ? map_ids(pid, &spec->sandbox, error) : 0;
    if (!refused)
        (void)!write(mapped[1], "g", 1);
    close(mapped[1]);
    if (!refused && read(failed[0], error, sizeof *error) == 0) {
        if (waitpid(pid, NULL, WNOHANG) == 0)
            return pid;
        errno = ESRCH;
        return fail(error, "keep namespaces", NULL);
    }
    syscall(SYS_kill, pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return -1;
}

int run_sandbox(const struct spec *spec, int report_fd)
{
    struct hf_error error = {0};
    int32_t pid = make_sandbox(spec, &error);
    if (pid < 0)
        report_failed(report_fd, &error);
    else
        report_started(report_fd, pid, 0);
    return pid < 0;
}
