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
 * Spawns the shim with /dev/null on 0-2, the launch spec (a sealed memory file) on 3, a UNIX stream socket on 4 and
 * nothing else open, and reaps the process that daemonises it. Returns the caller's end of the socket, on which one
 * struct hf_report arrives.
 */
HF_API int32_t hf_shim_spawn(int32_t shim_fd, const void *spec, size_t spec_bytes, struct hf_error *error);

/* ---- processes ------------------------------------------------------------------------------------------------- */

/*
 * Sends a signal to exactly the process that had this pid at this start time (clock ticks since boot, field 22 of
 * proc_pid_stat(5)). -ESRCH when that process is gone, whoever has the pid now.
 */
HF_API int32_t hf_process_signal(int32_t pid, uint64_t start_time, int32_t signal, struct hf_error *error);

#endif
