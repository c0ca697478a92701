/* What the parts of the shim share. A step returns 0 (or a descriptor), or -1 with the error filled by fail(). */
#ifndef HF_SHIM_H
#define HF_SHIM_H

#include "holdfast.h"
#include "spec.h"

#include <signal.h>

/* ---- error.c */

/* Records errno, the step and what it was about. */
void note_failure(struct hf_error *error, const char *stage, const char *path);

/* The same, for `return fail(...)`; in the header, so that compiler and analysers see what it returns. */
static inline int fail(struct hf_error *error, const char *stage, const char *path)
{
    note_failure(error, stage, path);
    return -1;
}

/* ---- process.c */

/* Start time of a process in clock ticks since boot, through its /proc directory. 0 with errno; ESRCH when it is gone. */
uint64_t start_time_of(int proc_dir);

/* Start time of a process by its pid, which must not be recycled meanwhile (a child of ours, or ourselves). */
uint64_t start_time_of_pid(int32_t pid);

/* Writes a text into an existing file in one call. */
int write_file(int dir, const char *path, const char *text);

/* Makes what is missing of the directories above a path of the node, for root alone. */
int make_parents(const char *path);

/* Gives back what a spec lies in: a process that stays for long no longer needs it, nor anything in it. */
void forget_spec(const struct spec *spec);

/* Drops every capability, for a process that only waits. */
int drop_all_capabilities(void);

/* ---- groups.c: entering the cgroups named by their cgroup.procs files. */

/* Forks a process that is born in the v2 group among them, if there is one. Returns as fork does. */
int32_t fork_into_unified_group(const struct texts *files, struct hf_error *error);
/* Opens what ends all of the v2 group among them. Gives -1 without one, or on a kernel before 5.14. */
int open_group_end(const struct texts *files, int *group_end, struct hf_error *error);
/* Moves this process into the v1 groups among them. */
int enter_legacy_groups(const struct texts *files, struct hf_error *error);

/* ---- report.c */

/*
 * Records and cgroups are made by the agent while the shim gets ready; then it says so. An agent that failed, or is gone,
 * ends the socket instead: nothing but directories has been made by then.
 */
int await_agent(int report_fd, struct hf_error *error);

/* Fails, without a report, when it cannot be told which process was started. */
int report_started(int fd, int32_t pid, uint32_t clamped, struct hf_error *error);
/* The same in two steps, the first of which takes time and can be made while the process, a child of ours, starts. */
int describe_started(struct hf_report *report, int32_t pid, uint32_t clamped, struct hf_error *error);
/*
 * Returns -1 when it was not sent. The agent may be gone: then nobody is left to tell, and a container goes on. All that
 * report close the descriptor.
 */
int report_described(int fd, struct hf_report *report);
void report_failed(int fd, const struct hf_error *error);

/* ---- sandbox.c, container.c and exec.c: each is the whole of one mode and reports on `report_fd` before it returns. */

int run_sandbox(struct spec *spec, int report_fd);
int run_container(struct spec *spec, int report_fd);
int run_exec(struct spec *spec, int report_fd);

/* Raises `lo` of the network namespace this process is in. */
int raise_loopback(struct hf_error *error);

/* ---- sysctl.c */

/* Enters the network and ipc namespaces of the holder, where they are the pod's, and sets the kernel parameters asked for. */
int set_pod_sysctls(const struct spec *spec, int32_t holder, struct hf_error *error);

/* ---- prepare.c: host side. Makes the container's mounts, all detached: nothing shows in the host's mount table. */

struct prepared {
    int root;
    /* A copy of the node's sysfs, for a pod that has the node's network but not its users; else -1. */
    int sysfs;
    /* Views of the node for a pod that has its processes or its ipc, but not its users' power over them; else -1. */
    int proc, mqueue;
    /*
     * A copy of the mount of the pod's shared memory, once the joiner made it, as it makes those of the pod's volumes; or
     * of the node's.
     */
    int shared_memory;
    /* /proc/<pid> of the sandbox, and its user namespace (-1 when the pod has the node's). */
    int sandbox, users;
    /* /proc/<pid> of whose pid namespace is joined, else -1. */
    int pids;
};

int prepare_mounts(struct spec *spec, struct prepared *prepared, struct hf_error *error);

/* ---- volume.c */

/* Makes the detached mount of a bind or volume, of the thing at `path` that the spec wants it to be. */
int copy_mount(struct mount_spec *m, int dir, const char *path, int users, struct hf_error *error);

/* Where a holder's root has the pod's shared memory and its volumes. */
#define POD_SHARED_MEMORY "shm"
#define POD_VOLUMES "volumes"

/* Makes the pod's volumes, detached, with the node's power: their ids are the node's, and the agent can write to them. */
int make_pod_volumes(struct sandbox_spec *sandbox, struct hf_error *error);
int attach_pod_volumes(int root, const struct sandbox_spec *sandbox, struct hf_error *error);
/* In the holder's mount namespace, whose root is given. */
int copy_pod_volumes(int root, struct container_spec *c, struct hf_error *error);

/* ---- overlay.c */

/* Makes the container's root, a detached overlay of its layers and its writable directory. */
int make_overlay(const struct spec *spec, int users, struct hf_error *error);
/* Shifts the ids of a detached mount, and with AT_RECURSIVE those below it, into the user namespace. */
int idmap(int mount, int users, unsigned flags, const char *path, struct hf_error *error);

/* ---- join.c: the process between the node and the pod. Ends in _exit. */

struct start_pipes {
    /* The joiner sends one struct joined; an error of joiner or init follows on `error`, which execve closes. */
    int joined[2], error[2], out[2], err[2];
};

struct joined {
    int32_t pid;
    uint32_t clamped;
};

_Noreturn void join_and_start(struct spec *spec, struct prepared *prepared, struct start_pipes *pipes);

/* ---- init.c: the container's first process. Returns only when a step failed. */

/* Keys of whoever started the agent must not come along. */
int leave_keyring(struct hf_error *error);

int become_container(struct spec *spec, const struct prepared *prepared, struct start_pipes *pipes,
                     struct hf_error *error);

/* Keys of whoever started the agent must not come along. */
int leave_keyring(struct hf_error *error);
/* Keeps the error pipe as descriptor 3 and closes every other, so that none of the node's is there to be misused. */
int keep_error_pipe(struct start_pipes *pipes, struct hf_error *error);
/* Ends when the shim does: what nobody reaps has no log and no exit record. After keep_error_pipe. */
int follow_shim(struct hf_error *error);
int unblock_signals(struct hf_error *error);

/* ---- attach.c: resolving and mounting inside the new root */

/* Opens a path below `root` that no link leads out of. */
int open_inside(int root, const char *path, uint64_t flags);
/* The same, refusing every symbolic link. */
int open_strict(int root, const char *path, uint64_t flags);
/* Makes the missing directories of a path, and at its end a directory or an empty file. Returns the end, O_PATH. */
int make_path(int root, const char *path, int want_directory, struct hf_error *error);
/* The same, refusing an end in the kernel's own views, procfs and sysfs. */
int make_inside(int root, const char *path, int want_directory, struct hf_error *error);
/* Moves a detached mount onto an O_PATH descriptor and closes both. */
int attach(int mount, int target, const char *path, struct hf_error *error);
/* Makes a detached file system; parameters are key, value pairs ending in NULL, or NULL; an empty value
 * is that of a parameter without one. */
int make_fs(const char *type, const char *const *parameters, unsigned attributes, struct hf_error *error);
/* The same with an SELinux label for all that is in it, unless it is empty. */
int make_labelled_fs(const char *type, const char *const *parameters, const char *label, unsigned attributes,
                     struct hf_error *error);

#define HARMLESS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* ---- rootfs.c */

struct own_mounts {
    int proc, sysfs, dev, pts, shm, mqueue;
};

int make_own_mounts(const struct spec *spec, const struct prepared *prepared, struct own_mounts *own,
                    struct hf_error *error);
int pivot_into(int root_mount, struct hf_error *error);
int attach_own_mounts(int root, const struct spec *spec, struct own_mounts *own, struct hf_error *error);
int attach_volumes(int root, const struct container_spec *c, struct hf_error *error);
/* Of the flags it heeds READONLY_ROOT. */
int protect_paths(int root, const struct container_spec *c, uint32_t flags, struct hf_error *error);
/* A directory is hidden under an empty read-only one, anything else under the null device. */
int mask_path(int root, const char *path, struct hf_error *error);
int make_readonly(int root, const char *path, struct hf_error *error);

/* ---- devices.c */

/* Whether /dev holds device nodes made from numbers, not the node's own ones mounted. */
int makes_devices(const struct spec *spec);
/* Opens /dev/null and makes sure that it is: a link of the image may have led a volume there. */
int open_null(int root, uint64_t flags);
int fill_dev(int dev, const struct spec *spec, struct hf_error *error);
int attach_devices(int root, const struct spec *spec, struct hf_error *error);

/* ---- identity.c */

/* The OOM score and rlimits only the node's root can set; what the kernel refuses is clamped in the spec and reported. */
int raise_with_node_power(struct container_spec *c, uint32_t *clamped, struct hf_error *error);
/* Its parts. */
int set_oom_score(int32_t score, uint32_t *clamped, struct hf_error *error);
int raise_limits(struct container_spec *c, uint32_t *clamped, struct hf_error *error);
int set_limits(const struct container_spec *c, struct hf_error *error);
int become_root_of_pod(struct hf_error *error);
/* User, groups and capabilities, then no_new_privs and the seccomp filter: after it only what the filter allows. */
int take_identity(const struct spec *spec, struct hf_error *error);
int confine(const struct spec *spec, struct hf_error *error);
/* Parts of the two above. */
int bound_capabilities(uint64_t keep, struct hf_error *error);
int set_ids(const struct container_spec *c, struct hf_error *error);
int install_filter(const struct container_spec *c, struct hf_error *error);

/* ---- labels.c: the AppArmor profile and the SELinux label of the program that this process executes next. */

int has_label(const struct container_spec *c);
/* Returns the node's procfs, O_PATH. */
int open_procfs(struct hf_error *error);
int label_program(int proc, const struct container_spec *c, struct hf_error *error);
/* Both at once, where the node's procfs is still in reach. */
int label_from_node(const struct container_spec *c, struct hf_error *error);

/* ---- program.c */

/* Makes the working directory when it is missing. */
int make_cwd(int root, const char *cwd, struct hf_error *error);
/* Enters it and checks that it lies in the root; no other descriptor may be open by then that it could lead through. */
int enter_cwd(const char *cwd, struct hf_error *error);
/* Looks whether there is a program to execute, which may be gone or may not be for its user by then. */
int find_program(const struct container_spec *c, struct hf_error *error);
/* Replaces the process; a name without a slash is looked up in the PATH of the given environment. */
int exec_program(const struct container_spec *c, struct hf_error *error);

/* ---- log.c */

struct log {
    int dir, file;
    char name[200];
    uint64_t size, max_bytes, dropped;
    uint32_t max_files;
};

/* What comes without a line end is told in parts of this length. */
enum { LOG_LINE_MAX = 16384, LOG_HEADER_MAX = 64 };

struct log_stream {
    int fd;
    const char *name;
    /* Bytes read so far, and those of them that wait in the buffer for their line's end. */
    uint64_t taken;
    size_t used;
    char header[LOG_HEADER_MAX], buffer[LOG_LINE_MAX + 1];
};

int log_open(struct log *log, const struct container_spec *c, struct hf_error *error);
/* Copies what is there to read. Returns 0 when the stream has ended, 1 otherwise. */
int log_copy(struct log *log, struct log_stream *stream);
/* Writes what came without a line end before the stream's. */
void log_flush(struct log *log, struct log_stream *stream);

/* ---- supervise.c */

struct exit_file {
    int dir;
    char name[200];
};

int exit_file_open(struct exit_file *file, const char *path, struct hf_error *error);
/* Copies the logs and waits until the container ends, then writes the exit record. */
/*
 * Reaps the process if it ended: 1, or 0, or -1 when the kernel does not say. One that asks to be traced makes its parent, us, the tracer: its stops then arrive here
 * too and are no exits; it is let go on.
 */
int reap_if_ended(int32_t pid, siginfo_t *end);
/* `group_end` is the cgroup.kill of a group that outlives its init, or -1. */
void supervise(int32_t pid, int out, int err, struct log *log, const struct exit_file *exit_file, int group_end);

#endif
