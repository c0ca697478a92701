#include "bundle.h"
#include "kernel.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

int write_map(int32_t pid, const char *name, const char *map, struct hf_error *error)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return map[0] != '\0' && write_file(AT_FDCWD, path, map) < 0 ? fail(error, "write id map", path) : 0;
}

static int open_users(int32_t pid, const char *uid_map, const char *gid_map, struct hf_error *error)
{
    char path[32];
    if (write_map(pid, "uid_map", uid_map, error) < 0 || write_map(pid, "gid_map", gid_map, error) < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    int users = open(path, O_RDONLY | O_CLOEXEC);
    return users < 0 ? fail(error, "open user namespace", path) : users;
}

/* Until it is waited for, a process that has ended keeps its namespace; one that has not could keep us. */
int make_users(const char *uid_map, const char *gid_map, struct hf_error *error)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long pid = sys_clone3(&args);
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return fail(error, "make user namespace", NULL);
    int users = open_users((int32_t)pid, uid_map, gid_map, error);
    waitpid((pid_t)pid, NULL, 0);
    return users;
}
