/*
 * The launch spec: what to start, as the agent encodes it (native/launch/encode.ts). Flat and little-endian:
 * u32 and u64 as they are, a text as u32 length + bytes + NUL, a list as u32 count + items. Nothing is parsed beyond that.
 */
#ifndef HF_SHIM_SPEC_H
#define HF_SHIM_SPEC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPEC_MAGIC 0x31534648u
#define SPEC_MAX_BYTES (4u << 20)

enum mode { MODE_SANDBOX = 1, MODE_CONTAINER = 2, MODE_EXEC = 3 };

/* Flags of all modes. */
enum { PRIVATE_USERS = 1u << 0, PRIVATE_NETWORK = 1u << 1 };
/* The pod's own pid namespace, or else another's that is named; the node's; the node's ipc namespace. */
enum { SHARED_PIDS = 1u << 6, NODE_PIDS = 1u << 7, NODE_IPC = 1u << 8 };
/* Flags of a container; an exec has the second of them, and its own. */
enum { READONLY_ROOT = 1u << 2, NO_NEW_PRIVILEGES = 1u << 3, PRIVILEGED = 1u << 4, TERMINAL = 1u << 5 };

/* MOUNT_VOLUME is a bind of one of the pod's own volumes, whose name is the source. */
enum mount_kind { MOUNT_BIND = 1, MOUNT_TMPFS = 2, MOUNT_VOLUME = 3 };
/* Flags of a mount; all but the first two of a bind or volume. */
enum {
    MOUNT_RECURSIVE = 1u << 0,
    MOUNT_IDMAPPED = 1u << 1,
    /* The source leads through no symbolic link. */
    MOUNT_STRICT = 1u << 2,
    /* What the source has to be, if anything. */
    MOUNT_DIRECTORY = 1u << 3,
    MOUNT_FILE = 1u << 4,
    MOUNT_SOCKET = 1u << 5,
    /* Missing directories of the path below it are made. */
    MOUNT_MAKE_PATH = 1u << 6,
    /* Mounts made on the node later show in it, and with the second those made in it on the node. */
    MOUNT_FOLLOWS = 1u << 7,
    MOUNT_SHARED = 1u << 8,
};

/* NULL-terminated, so that it serves as argv and envp. */
struct texts {
    uint32_t count;
    const char **items;
};

struct mount_spec {
    uint32_t kind, flags;
    uint64_t attributes;
    const char *source, *destination;
    /* Relative path below the source, which is what is mounted; empty for all of it. */
    const char *sub_path;
    /* tmpfs parameters: key, value, key, value. */
    struct texts parameters;
    /* The detached mount once it is made, -1 before. */
    int fd;
    int is_directory;
};

struct device_spec {
    const char *path;
    mode_t mode;
    dev_t rdev;
    int fd;
};

struct limit_spec {
    uint32_t resource;
    uint64_t soft, hard;
};

/* A tmpfs of the pod, which its containers mount by name. */
struct volume_spec {
    const char *name;
    /* tmpfs parameters: key, value, key, value. A last one `noswap` is left out where the kernel does not know it. */
    struct texts parameters;
    /* The detached mount once it is made, -1 before. */
    int fd;
};

struct sandbox_spec {
    const char *hostname;
    uint32_t id_base, id_count;
    /* Path below /proc/sys, value, path, value. */
    struct texts sysctls;
    uint32_t volume_count;
    struct volume_spec *volumes;
};

struct container_spec {
    /* Whose namespaces to join: the pod's holder, or for an exec the container's init. */
    int32_t sandbox_pid;
    uint64_t sandbox_start_time;
    /* With SHARED_PIDS whose pid namespace to join: the holder, or the init of another container. */
    int32_t pids_pid;
    uint64_t pids_start_time;
    struct texts groups;
    struct texts layers;
    /* Who owns the container's root directory, as the node sees it; the two are made, with what is missing above. */
    uint32_t root_owner;
    const char *upper, *work;
    uint32_t device_count;
    struct device_spec *devices;
    uint32_t mount_count;
    struct mount_spec *mounts;
    struct texts masked, readonly;
    struct texts args, env;
    const char *cwd;
    uint32_t uid, gid, umask;
    uint32_t extra_gid_count;
    uint32_t *extra_gids;
    uint64_t capabilities;
    int32_t oom_score_adj;
    uint32_t limit_count;
    struct limit_spec *limits;
    uint32_t filter_bytes;
    const void *filter;
    /* Empty for none. The last is for the file systems made for the container, which have no labels of their own. */
    const char *apparmor_profile, *selinux_label, *mount_label;
    /* Who may open the container's stdout and stderr anew (/dev/stdout), as the node sees the ids. */
    uint32_t stream_uid, stream_gid;
    const char *log_path;
    uint64_t log_max_bytes;
    uint32_t log_max_files;
    const char *exit_path;
};

/* Mappings that a decoded spec lies in. */
struct spec_memory {
    void *bytes, *arena;
    size_t size, arena_size;
};

struct spec {
    uint32_t mode, flags;
    /* cgroup.procs files through which the shim itself enters its group. */
    struct texts shim_groups;
    struct sandbox_spec sandbox;
    /* Of a container, or of a process to run in one: then without what makes a root file system, log and exit record. */
    struct container_spec container;
    /* Of an exec's terminal. */
    uint32_t rows, columns;
    struct spec_memory memory;
};

/* Bytes of arena that decoding a spec of this size can need. */
size_t spec_arena_bytes(size_t spec_bytes);

/*
 * Decodes a spec; texts point into `bytes`, lists into `arena`. Returns 0, or -1 when it is malformed in any way:
 * cut short, longer than it says, an unknown mode, a text without NUL or with one inside, a count that cannot fit.
 */
int spec_decode(struct spec *spec, const void *bytes, size_t size, void *arena, size_t arena_size);

#endif
