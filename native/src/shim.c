#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SPEC_FD = 3, REPORT_FD = 4, PROGRAM_FD = 5, FIRST_FREE_FD = 6 };

/* Descriptors handed to the child are first moved this high, so that dup2 onto 3-5 never meets one of them. */
enum { HIGH_FD = 64 };

static int32_t close_failed(int fd, struct hf_error *error, int errnum, const char *stage, const char *path)
{
    close(fd);
    return hf_fail(error, errnum, stage, path);
}

static int seal(int fd)
{
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

static int copy_file(int to, int from)
{
    struct stat about;
    if (fstat(from, &about) < 0)
        return -1;
    for (off_t left = about.st_size; left > 0;) {
        ssize_t sent = sendfile(to, from, NULL, (size_t)left);
        if (sent <= 0) {
            if (sent == 0)
                errno = EIO;
            return -1;
        }
        left -= sent;
    }
    return 0;
}

HF_API int32_t hf_shim_load(const char *path, struct hf_error *error)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return hf_fail(error, errno, "open shim", path);
    int to = memfd_create("holdfast-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (to < 0)
        return close_failed(from, error, errno, "memfd_create shim", path);
    int failed = copy_file(to, from) < 0 || fchmod(to, 0500) < 0 || seal(to) < 0;
    int errnum = errno;
    close(from);
    return failed ? close_failed(to, error, errnum, "copy shim", path) : to;
}

static int32_t seal_spec(const void *spec, size_t bytes, struct hf_error *error)
{
    int fd = memfd_create("holdfast-spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return hf_fail(error, errno, "memfd_create spec", NULL);
    for (size_t done = 0; done < bytes;) {
        ssize_t wrote = write(fd, (const char *)spec + done, bytes - done);
        if (wrote < 0)
            return close_failed(fd, error, errno, "write spec", NULL);
        done += (size_t)wrote;
    }
    if (seal(fd) < 0)
        return close_failed(fd, error, errno, "seal spec", NULL);
    return fd;
}

static int add_descriptors(posix_spawn_file_actions_t *actions, const int high[3])
{
    int failed = 0;
    for (int fd = 0; fd < 3 && !failed; fd++)
        failed = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    for (int i = 0; i < 3 && !failed; i++)
        failed = posix_spawn_file_actions_adddup2(actions, high[i], SPEC_FD + i);
    return failed ? failed : posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FREE_FD);
}

static int reset_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawnattr_setsigmask(attributes, &none);
    if (!failed)
        failed = posix_spawnattr_setsigdefault(attributes, &all);
    return failed ? failed : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* Returns an errno, as posix_spawn does. */
static int spawn_with(const int high[3], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        char *argv[] = {"holdfast-shim", NULL}, *envp[] = {NULL}, program[32];
        snprintf(program, sizeof program, "/proc/self/fd/%d", PROGRAM_FD);
        failed = add_descriptors(&actions, high);
        if (!failed)
            failed = reset_signals(&attributes);
        if (!failed)
            failed = posix_spawn(pid, program, &actions, &attributes, argv, envp);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static int spawn_high(const int fds[3], pid_t *pid)
{
    int high[3] = {-1, -1, -1}, failed = 0;
    for (int i = 0; i < 3 && !failed; i++) {
        high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
        failed = high[i] < 0 ? errno : 0;
    }
    if (!failed)
        failed = spawn_with(high, pid);
    for (int i = 0; i < 3; i++)
        if (high[i] >= 0)
            close(high[i]);
    return failed;
}

/* The spawned process only forks the daemon and ends, so this wait is short. Returns an errno. */
static int reap(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno == ECHILD)
            return errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : ECHILD;
}

HF_API int32_t hf_shim_spawn(int32_t shim_fd, const void *spec, size_t spec_bytes, struct hf_error *error)
{
    int ends[2];
    int32_t spec_fd = seal_spec(spec, spec_bytes, error);
    if (spec_fd < 0)
        return spec_fd;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return close_failed(spec_fd, error, errno, "socketpair", NULL);
    pid_t pid = 0;
    int failed = spawn_high((const int[3]){spec_fd, ends[1], shim_fd}, &pid);
    close(spec_fd);
    close(ends[1]);
    if (failed)
        return close_failed(ends[0], error, failed, "spawn shim", NULL);
    failed = reap(pid);
    return failed ? close_failed(ends[0], error, failed, "daemonise shim", NULL) : ends[0];
}
