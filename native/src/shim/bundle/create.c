#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Everything that is found by a path of the node. */
static int open_ends(struct bundle_spec *b, struct bundle_ends *ends, struct hf_error *error)
{
    *ends = (struct bundle_ends){.root = -1, .listener = -1, .console = -1};
    if (open_namespaces(b, error) < 0 || open_bundle_binds(b, error) < 0 || open_bundle_devices(b, error) < 0)
        return -1;
    ends->root = open_bundle_root(b, error);
    ends->listener = ends->root < 0 ? -1 : listen_for_start(b->state_dir, error);
    if (ends->listener < 0)
        return -1;
    if (b->console_socket[0] != '\0' && (ends->console = connect_console(b->console_socket, error)) < 0)
        return -1;
    if (pipe2(ends->go, O_CLOEXEC) < 0 || pipe2(ends->error, O_CLOEXEC) < 0)
        return fail(error, "pipe", NULL);
    return 0;
}

/* Returns the init's pid, or -1 with what the joiner told. */
static int32_t start_init(struct bundle_spec *b, struct bundle_ends *ends, struct hf_error *error)
{
    int joined[2];
    int32_t pid = 0;
    if (pipe2(joined, O_CLOEXEC) < 0)
        return fail(error, "pipe", NULL);
    pid_t joiner = fork_into_unified_group(&b->container.groups, error);
    if (joiner == 0)
        join_and_start_bundle(b, ends, joined[1]);
    close(joined[1]);
    close(ends->error[1]);
    close(ends->go[0]);
    if (joiner < 0)
        return -1;
    int has_joined = read(joined[0], &pid, sizeof pid) == sizeof pid;
    close(joined[0]);
    waitpid(joiner, NULL, 0);
    if (has_joined)
        return pid;
    errno = ECHILD;
    fail(error, "join namespaces", NULL);
    (void)!read(ends->error[0], error, sizeof *error);
    return -1;
}

static int write_map(int32_t pid, const char *name, const char *map, struct hf_error *error)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return map[0] != '\0' && write_file(AT_FDCWD, path, map) < 0 ? fail(error, "write id map", path) : 0;
}

static void report_created(int fd, int32_t pid)
{
    struct hf_report report = {.magic = HF_REPORT_MAGIC, .pid = pid, .shim_pid = getpid()};
    report.start_time = start_time_of_pid(pid);
    (void)!send(fd, &report, sizeof report, MSG_NOSIGNAL);
}

/* Waits until the init stands where it waits for its start. */
static int await_created(const struct bundle_ends *ends, struct hf_error *error)
{
    struct hf_error told;
    if (read(ends->error[0], &told, sizeof told) != sizeof told) {
        errno = ECHILD;
        return fail(error, "create container", NULL);
    }
    *error = told;
    return told.errnum == 0 ? 0 : -1;
}

static int create(const struct bundle_spec *b, const struct bundle_ends *ends, int32_t pid, int report_fd,
                  struct hf_error *error)
{
    char go;
    if (write_map(pid, "uid_map", b->uid_map, error) < 0 || write_map(pid, "gid_map", b->gid_map, error) < 0)
        return -1;
    if (write(ends->go[1], "m", 1) != 1)
        return fail(error, "map ids", NULL);
    /* The init answers once its namespaces are as configured: hooks find them so. */
    if (await_created(ends, error) < 0)
        return -1;
    report_created(report_fd, pid);
    /* The runtime's hooks run now; it closes the socket when one of them fails. */
    if (read(report_fd, &go, 1) != 1 || write(ends->go[1], "h", 1) != 1) {
        errno = ECANCELED;
        return fail(error, "run hooks", NULL);
    }
    return await_created(ends, error);
}

int run_bundle(struct bundle_spec *bundle, int report_fd)
{
    struct hf_error error = {0};
    struct bundle_ends ends;
    int32_t pid = open_ends(bundle, &ends, &error) < 0 ? -1 : start_init(bundle, &ends, &error);
    if (pid > 0 && create(bundle, &ends, pid, report_fd, &error) == 0 &&
        report_started(report_fd, pid, 0, &error) == 0)
        return 0;
    if (pid > 0) {
        syscall(SYS_kill, pid, SIGKILL);
        waitpid(pid, NULL, __WALL);
    }
    report_failed(report_fd, &error);
    return 1;
}
