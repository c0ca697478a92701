#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/*
 * A mount can be copied only from within its namespace: goes there and comes back. The root of a holder that has no mount
 * namespace of its own would be the node's.
 */
static int copy_from_pod(struct spec *spec, struct prepared *prepared, struct hf_error *error)
{
    struct stat here, there;
    int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int pod = openat(prepared->sandbox, "ns/mnt", O_RDONLY | O_CLOEXEC);
    if (own < 0 || pod < 0 || fstat(own, &here) < 0 || fstat(pod, &there) < 0)
        return fail(error, "find pod's mounts", NULL);
    if (here.st_ino == there.st_ino) {
        errno = ESTALE;
        return fail(error, "find pod's mounts", NULL);
    }
    if (syscall(SYS_setns, pod, CLONE_NEWNS) < 0)
        return fail(error, "enter pod's mounts", NULL);
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(error, "open pod's mounts", "/");
    if (!(spec->flags & NODE_IPC)) {
        prepared->shared_memory = sys_clone_tree(root, POD_SHARED_MEMORY, 0);
        if (prepared->shared_memory < 0)
            return fail(error, "copy shared memory", NULL);
    }
    if (copy_pod_volumes(root, &spec->container, error) < 0)
        return -1;
    if (syscall(SYS_setns, own, CLONE_NEWNS) < 0)
        return fail(error, "leave pod's mounts", NULL);
    close(root);
    close(own);
    close(pod);
    return 0;
}

static int join_namespaces(const struct spec *spec, const struct prepared *prepared, struct hf_error *error)
{
    static const struct {
        /* Joined when these flags are what is set among those. */
        uint32_t flags, among;
        int kind;
        const char *path, *stage;
    } joins[] = {
        {0, NODE_IPC, CLONE_NEWIPC, "ns/ipc", "join ipc namespace"},
        {0, 0, CLONE_NEWUTS, "ns/uts", "join uts namespace"},
        {PRIVATE_NETWORK, PRIVATE_NETWORK, CLONE_NEWNET, "ns/net", "join network namespace"},
        {SHARED_PIDS, SHARED_PIDS, CLONE_NEWPID, "ns/pid", "join pid namespace"},
        /* Last: from here on the node's power is gone. */
        {PRIVATE_USERS, PRIVATE_USERS, CLONE_NEWUSER, "ns/user", "join user namespace"},
    };
    for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
        if ((spec->flags & joins[i].among) != joins[i].flags)
            continue;
        int from = joins[i].kind == CLONE_NEWPID ? prepared->pids : prepared->sandbox;
        int fd = openat(from, joins[i].path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_setns, fd, joins[i].kind) < 0)
            return fail(error, joins[i].stage, NULL);
        close(fd);
    }
    /* Joining users makes a process dumpable again where the node says so; others may see it by now. */
    return prctl(PR_SET_DUMPABLE, 0) < 0 ? fail(error, "protect process", NULL) : 0;
}

static _Noreturn void run_init(struct spec *spec, const struct prepared *prepared, struct start_pipes *pipes)
{
    struct hf_error error = {0};
    become_container(spec, prepared, pipes, &error);
    (void)!write(pipes->error[1], &error, sizeof error);
    _exit(1);
}

/* The init becomes a sibling (CLONE_PARENT), so that the shim, which stays outside, can reap it. */
static int start_init(struct spec *spec, const struct prepared *prepared, struct start_pipes *pipes,
                      struct joined *joined, struct hf_error *error)
{
    struct clone_args args = {.flags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_PARENT | CLONE_CLEAR_SIGHAND};
    if (!(spec->flags & (SHARED_PIDS | NODE_PIDS)))
        args.flags |= CLONE_NEWPID;
    long pid = sys_clone3(&args);
    if (pid == 0)
        run_init(spec, prepared, pipes);
    if (pid < 0)
        return fail(error, "clone container", NULL);
    joined->pid = (int32_t)pid;
    return 0;
}

_Noreturn void join_and_start(struct spec *spec, struct prepared *prepared, struct start_pipes *pipes)
{
    struct hf_error error = {0};
    struct joined joined = {0};
    if (enter_legacy_groups(&spec->container.groups, &error) == 0 &&
        raise_with_node_power(&spec->container, &joined.clamped, &error) == 0 &&
        copy_from_pod(spec, prepared, &error) == 0 && join_namespaces(spec, prepared, &error) == 0 &&
        start_init(spec, prepared, pipes, &joined, &error) == 0) {
        if (write(pipes->joined[1], &joined, sizeof joined) == sizeof joined)
            _exit(0);
        fail(&error, "tell shim of container", NULL);
    }
    (void)!write(pipes->error[1], &error, sizeof error);
    _exit(1);
}
