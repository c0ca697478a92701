/*
 * Holdfast native library: the calls that Node cannot make itself. Each one is short and never forks the caller.
 *
 * Every function returns 0 or a positive result, or -errno with `error` filled (it may be NULL). The library keeps no
 * state, writes nothing to stderr and never exits. File descriptors it returns are close-on-exec and the caller's.
 */
#ifndef HOLDFAST_H
#define HOLDFAST_H

#include <stddef.h>
#include <stdint.h>

#define HF_API __attribute__((visibility("default")))

#define HF_STAGE_MAX 64
#define HF_PATH_MAX 256

/* What failed: the kernel's errno, the step (such as "mount /proc") and the path it was about; strings end in NUL. */
struct hf_error {
    int32_t errnum;
    char stage[HF_STAGE_MAX];
    char path[HF_PATH_MAX];
};

/* ---- layout ---------------------------------------------------------------------------------------------------- */

/* What the shim sends once on its report socket, in the machine's byte order: started (pid > 0) or failed (pid 0). */
struct hf_report {
    uint32_t magic;
    int32_t pid;
    uint64_t start_time;
    int32_t shim_pid;
    uint32_t clamped;
    uint64_t shim_start_time;
    /* Milliseconds since the epoch; never later than the exit record's. */
    uint64_t started_at_ms;
    struct hf_error error;
    uint32_t reserved;
};

#define HF_REPORT_MAGIC 0x31524648u
#define HF_CLAMPED_RLIMIT 1u
#define HF_CLAMPED_OOM_SCORE 2u

/* Size in bytes of a struct of this header by name, or -ENOENT: a binding checks it against its own at load. */
HF_API int64_t hf_abi_size(const char *name);

/* ---- shim ------------------------------------------------------------------------------------------------------ */

/*
 * Copies the program at `path` into a sealed memory file, so that no container can ever write to it.
 * Returns its file descriptor, for hf_shim_spawn.
 */
HF_API int32_t hf_shim_load(const char *path, struct hf_error *error);

/*
 * Spawns the shim as a process that is no child of the caller, with /dev/null on 0-2, the launch spec (a sealed memory
 * file) on 3, a UNIX stream socket on 4 and nothing else open. `group` is the directory of the v2 cgroup it is born in, or
 * NULL for the caller's own. Takes no longer than an execve does, whatever memory the caller has. Returns the caller's
 * end of the socket, on which one struct hf_report arrives.
 */
HF_API int32_t hf_shim_spawn(int32_t shim_fd, const char *group, const void *spec, size_t spec_bytes,
                             struct hf_error *error);

/* ---- cgroup ---------------------------------------------------------------------------------------------------- */

/*
 * Has a BPF program of the kind BPF_PROG_TYPE_CGROUP_DEVICE decide which devices the processes of a v2 group, and of those
 * below it, may open and make, for as long as the group is there.
 */
HF_API int32_t hf_group_hold_devices(const char *group, const void *program, size_t bytes, struct hf_error *error);

/* Whether a v2 group has such a program of its own: 1 or 0. */
HF_API int32_t hf_group_holds_devices(const char *group, struct hf_error *error);

/* ---- processes ------------------------------------------------------------------------------------------------- */

/*
 * Sends a signal to exactly the process that had this pid at this start time (clock ticks since boot, field 22 of
 * proc_pid_stat(5)). -ESRCH when that process is gone, whoever has the pid now.
 */
HF_API int32_t hf_process_signal(int32_t pid, uint64_t start_time, int32_t signal, struct hf_error *error);

/* ---- directories ------------------------------------------------------------------------------------------------ */

/*
 * Operations below one directory, `root` being an fd of it. A path is relative to it and resolved by openat2(2) with
 * RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS and NO_XDEV: ".." that leaves the root gives -EXDEV, a symlink on the way
 * -ELOOP, another file system -EXDEV. The last name of a path is not followed either. Paths are shorter than PATH_MAX.
 */

/* Makes a directory of mode 0755. -EEXIST when the name is taken. */
HF_API int32_t hf_dir_make(int32_t root, const char *path, struct hf_error *error);

/* Creates a regular file of mode 0600 and returns an fd open for writing. -EEXIST when the name is taken. */
HF_API int32_t hf_dir_create(int32_t root, const char *path, struct hf_error *error);

/* Makes a symlink; `target` is stored as it is and never looked up. */
HF_API int32_t hf_dir_symlink(int32_t root, const char *path, const char *target, struct hf_error *error);

/* Makes `path` another name of `existing`, which is resolved below the same root; a symlink is linked itself. */
HF_API int32_t hf_dir_link(int32_t root, const char *path, const char *existing, struct hf_error *error);

/* Makes a named pipe of mode 0600. */
HF_API int32_t hf_dir_fifo(int32_t root, const char *path, struct hf_error *error);

/* Makes an overlayfs whiteout: a character device 0/0. */
HF_API int32_t hf_dir_whiteout(int32_t root, const char *path, struct hf_error *error);

/* Returns the file type (S_IFMT bits) of what is at `path`, "." being the root. -ENOENT when there is nothing. */
HF_API int32_t hf_dir_kind(int32_t root, const char *path, struct hf_error *error);

/* Removes a file or an empty directory. */
HF_API int32_t hf_dir_remove(int32_t root, const char *path, struct hf_error *error);

/* Sets owner, permission bits with set-id and sticky (not for a symlink, which has none) and mtime, in seconds. */
HF_API int32_t hf_dir_set_attributes(int32_t root, const char *path, uint32_t uid, uint32_t gid, uint32_t mode,
                                     int64_t mtime_seconds, struct hf_error *error);

/* Sets an extended attribute of a file or directory. */
HF_API int32_t hf_dir_set_xattr(int32_t root, const char *path, const char *name, const void *value, uint32_t bytes,
                                struct hf_error *error);

/* Writes everything of the root's file system to disk. May take long: call it off the main thread. */
HF_API int32_t hf_dir_sync(int32_t root, struct hf_error *error);

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* As hf_dir_set_attributes, of a file that is open for writing. */
HF_API int32_t hf_file_set_attributes(int32_t fd, uint32_t uid, uint32_t gid, uint32_t mode, int64_t mtime_seconds,
                                      struct hf_error *error);

/*
 * Has the disk begin with what was written of a file, so that a later sync has less to wait for. May wait for a busy disk:
 * call it off the main thread. 0 also where the file system cannot be asked.
 */
HF_API int32_t hf_file_start_writeback(int32_t fd, int64_t offset, int64_t bytes, struct hf_error *error);

/* Writes the names of a file's extended attributes, each ending in NUL, and returns their bytes. -ERANGE for too many. */
HF_API int32_t hf_file_xattr_names(int32_t fd, void *names, uint32_t bytes, struct hf_error *error);

/* Reads one extended attribute and returns its bytes. -ENODATA when there is none, -ERANGE when it is longer. */
HF_API int32_t hf_file_xattr(int32_t fd, const char *name, void *value, uint32_t bytes, struct hf_error *error);

/*
 * Has the kernel hold a file to its content from now on (fs-verity, SHA-256, blocks of 4 KiB): nobody can write to it any
 * more, and reading what the disk changed gives -EIO. `fd` is open for reading, and nobody has it open for writing. Reads
 * the whole file. Returns 1, or 0 where the file system or the kernel has no such thing.
 */
HF_API int32_t hf_verity_enable(int32_t fd, struct hf_error *error);

/* Writes the digest that stands for a file's content and returns its bytes; 0 for a file that is not held so. */
HF_API int32_t hf_verity_measure(int32_t fd, void *digest, uint32_t bytes, struct hf_error *error);

/* ---- project quotas --------------------------------------------------------------------------------------------- */

/*
 * What files of one project take of a file system is counted together and can be bounded. A directory of a project has what
 * is made in it be of that project too. All act on what `fd` is, or on the file system that it is on.
 */

#define HF_PROJECT_NONE 0
#define HF_PROJECT_COUNTED 1
#define HF_PROJECT_ENFORCED 2

/* Whether the file system counts by project and holds projects to their limits; HF_PROJECT_NONE also on a kernel before 5.14. */
HF_API int32_t hf_project_support(int32_t fd, struct hf_error *error);

/* Returns the project of a file or directory; 0 is none. */
HF_API int64_t hf_project_get(int32_t fd, struct hf_error *error);

/* Gives a file or directory to a project. What it takes already is counted there from then on. */
HF_API int32_t hf_project_set(int32_t fd, uint32_t project, struct hf_error *error);

struct hf_project_usage {
    uint64_t used_bytes;
    uint64_t used_inodes;
    /* 0 is no limit. */
    uint64_t limit_bytes;
};

/* What a project takes, and its limit; all zero for one that has nothing. */
HF_API int32_t hf_project_usage(int32_t fd, uint32_t project, struct hf_project_usage *usage, struct hf_error *error);

/* Bounds a project, in blocks of 1 KiB rounded up; 0 lifts its limit. -ESRCH when quotas are off. */
HF_API int32_t hf_project_limit(int32_t fd, uint32_t project, uint64_t bytes, struct hf_error *error);

/* ---- networks --------------------------------------------------------------------------------------------------- */

/*
 * A network namespace is named by a descriptor of it; -1 is the caller's own. The calling thread never leaves its own:
 * another one goes there and ends.
 */

/* Returns a netlink socket of that namespace; `protocol` is NETLINK_ROUTE or NETLINK_NETFILTER. */
HF_API int32_t hf_net_socket(int32_t namespace_fd, int32_t protocol, struct hf_error *error);

/*
 * Sends netlink messages in one datagram and receives until the last one with NLM_F_ACK is acknowledged, or until the list
 * it asked for ends. What else the
 * kernel sends goes to `answer`, whose bytes are returned. The first refusal ends it, with `stage` and, as the error's
 * path, the kernel's own words; refused parts of a datagram do not undo the others unless it is a netfilter batch.
 * -EINVAL when no message asks for an acknowledgement, -ENOBUFS when the answer does not fit, -ETIMEDOUT after 20 s.
 */
HF_API int32_t hf_net_talk(int32_t socket_fd, const char *stage, const void *messages, size_t bytes, void *answer,
                           size_t answer_size, struct hf_error *error);

/*
 * Sends netlink messages one after the other over a socket of that namespace, each when the one before was answered: for
 * lists, of which only one can be asked for at a time. Otherwise as hf_net_talk; the first refusal ends it, and what
 * follows is not sent.
 */
HF_API int32_t hf_net_visit(int32_t namespace_fd, int32_t protocol, const char *stage, const void *messages,
                            size_t bytes, void *answer, size_t answer_size, struct hf_error *error);

/*
 * Sets /proc/sys/net/<name> of that namespace, unless `value` is NULL, and gives the value before, without its line
 * end and cut to fit.
 */
HF_API int32_t hf_net_sysctl(int32_t namespace_fd, const char *name, const char *value, char *before,
                             size_t before_size, struct hf_error *error);

/* ---- seccomp --------------------------------------------------------------------------------------------------- */

/*
 * A seccomp filter being compiled. Rules go into one of two parts: what the refusing part refuses is refused, whatever
 * the deciding part says; the deciding part's rules decide the rest, and its default action where none matches.
 * Actions are the kernel's (SECCOMP_RET_*, with the errno in the low 16 bits). System calls of an architecture that
 * was not added, and where the default action is an errno also those newer than libseccomp, give ENOSYS.
 */
struct hf_seccomp;

#define HF_SECCOMP_DECIDE 0u
#define HF_SECCOMP_REFUSE 1u

/* `op` is enum scmp_compare of seccomp.h: NE 1, LT 2, LE 3, EQ 4, GE 5, GT 6, MASKED_EQ 7 (argument & a == b). */
struct hf_seccomp_arg {
    uint32_t index;
    uint32_t op;
    uint64_t a;
    uint64_t b;
};

/* Starts a filter for the native architecture. Free it with hf_seccomp_free. */
HF_API int32_t hf_seccomp_new(uint32_t default_action, struct hf_seccomp **made, struct hf_error *error);

HF_API void hf_seccomp_free(struct hf_seccomp *seccomp);

/* Adds an architecture by libseccomp's name ("x86", "arm"), before any rule. Nothing changes when it is there. */
HF_API int32_t hf_seccomp_architecture(struct hf_seccomp *seccomp, const char *name, struct hf_error *error);

/*
 * Adds a rule for a system call by name; all comparisons must hold, at most one for each argument. The action must
 * differ from the part's default one (ALLOW in the refusing part). Returns 1 when libseccomp does not know the name.
 */
HF_API int32_t hf_seccomp_rule(struct hf_seccomp *seccomp, uint32_t part, uint32_t action, const char *name,
                               const struct hf_seccomp_arg *args, uint32_t arg_count, struct hf_error *error);

/* Writes the program, struct sock_filter[], and returns its bytes. The kernel takes at most 32768 (BPF_MAXINSNS). */
HF_API int64_t hf_seccomp_export(struct hf_seccomp *seccomp, void *program, size_t size, struct hf_error *error);

#endif
