/*
 * Starting a container as an OCI runtime does: everything it is made of stands in the bundle's config.json, its parent
 * is whoever started the runtime, and its program waits until it is told to start.
 */
#ifndef HF_SHIM_BUNDLE_H
#define HF_SHIM_BUNDLE_H

#include "shim.h"

#include <termios.h>

/* Modes beside those of enum mode. */
enum { MODE_BUNDLE = 16, MODE_VISIT = 17, MODE_BUNDLE_EXEC = 18 };

/* Flags of a bundle beside READONLY_ROOT and NO_NEW_PRIVILEGES. */
enum {
    BUNDLE_ROOT_NODEV = 1u << 8,
    /* Its terminal is carried by the shim over the shim's own standard streams. */
    BUNDLE_RELAY = 1u << 9,
    BUNDLE_OOM_SCORE = 1u << 10,
    /* /dev is the container's own: it gets the default links. */
    BUNDLE_OWN_DEV = 1u << 11,
    /* The shim stays until the process ends, and ends as it did. */
    BUNDLE_WAIT = 1u << 12,
    /* Has no process to start. */
    BUNDLE_NEVER_STARTED = 1u << 13,
};

enum bundle_mount_kind { BUNDLE_BIND = 1, BUNDLE_FS = 2 };
enum {
    /* A bind takes the mounts below its source along. */
    BUNDLE_MOUNT_TREE = 1u << 0,
    /* Shows ids shifted by its own maps, or where it has none by those of the container's users. */
    BUNDLE_MOUNT_IDMAP = 1u << 1,
    /* May lie over a file of procfs. */
    BUNDLE_MOUNT_OVER_PROC = 1u << 2,
    BUNDLE_MOUNT_IDMAP_BELOW = 1u << 3,
    /* Begins with what lies at its destination. */
    BUNDLE_MOUNT_COPY_UP = 1u << 4,
};

struct bundle_mount {
    uint32_t kind, flags;
    uint64_t set, clear;
    /* For the mounts below too. */
    uint64_t set_below, clear_below;
    /* MS_* of mount(2), or 0 for private. */
    uint32_t propagation;
    const char *source, *destination, *type;
    /* Key, value, key, value; an empty value makes the key a flag. */
    struct texts parameters;
    const char *uid_map, *gid_map;
    int fd;
    int is_directory;
};

struct bundle_device {
    const char *path;
    uint32_t mode, major, minor, uid, gid;
    /* The node's device, for a container that may make none itself; else -1. */
    int fd;
};

struct bundle_namespace {
    /* CLONE_NEW* of clone(2). */
    uint32_t kind;
    /* Empty for a new one. */
    const char *path;
    int fd;
};

struct capability_sets {
    uint64_t bounding, effective, permitted, inheritable, ambient;
};

struct process_id {
    int32_t pid;
    uint64_t start_time;
};

/* Bits of sched_setaffinity(2), or none. */
struct cpu_mask {
    uint32_t bytes;
    const void *mask;
};

/* As sched_setattr(2) and ioprio_set(2) take it; SAME_SCHEDULE leaves that of whoever starts it. */
struct schedule_spec {
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t io_priority;
    /* CPUs of the shim before it enters the container's groups, and of the process from then on. */
    struct cpu_mask first_cpus, cpus;
};

struct bundle_spec {
    uint32_t flags;
    /* Program, working directory, user, rlimits, filter, groups, masked and read-only paths; nothing else of it. */
    struct container_spec container;
    const char *root;
    uint32_t root_propagation;
    const char *hostname, *domainname;
    uint32_t namespace_count;
    struct bundle_namespace *namespaces;
    const char *uid_map, *gid_map;
    /* As timens_offsets takes them; empty for none. */
    const char *time_offsets;
    /* Path below /proc/sys, value. */
    struct texts sysctls;
    uint32_t mount_count;
    struct bundle_mount *mounts;
    uint32_t device_count;
    struct bundle_device *devices;
    struct capability_sets capabilities;
    /* PER_* of personality(2), or that of whoever starts it. */
    uint32_t personality;
    uint32_t rows, columns;
    struct schedule_spec schedule;
    /* Where the socket `start` is made, and the socket that takes the terminal; empty for none. */
    const char *state_dir, *console_socket;
    /* Descriptors from PRESERVED_FD on that the program gets from 3 on. */
    uint32_t preserved_count;
    /* For a process that is run in a container: one of that container. */
    struct process_id neighbour;
};

/* A program run among another process's namespaces (an OCI hook). */
struct visit_spec {
    struct process_id container;
    struct texts args, env;
};

/* ---- schedule.c: with the node's power. */

#define SAME_SCHEDULE 0xffffffffu

/* This process, and what it starts. */
int start_on_first_cpus(const struct schedule_spec *schedule, struct hf_error *error);
/* A process that waits. */
int schedule_process(const struct schedule_spec *schedule, int32_t pid, struct hf_error *error);

/* ---- decode.c: as spec_decode; `mode` says which of the two it was. */

struct bundle_specs {
    uint32_t mode;
    struct bundle_spec bundle;
    struct visit_spec visit;
};

int bundle_decode(struct bundle_specs *specs, const void *bytes, size_t size, void *arena, size_t arena_size);

/* ---- namespaces.c */

int has_namespace(const struct bundle_spec *bundle, uint32_t kind);
int has_new_namespace(const struct bundle_spec *bundle, uint32_t kind);
/* Makes the time namespace, which only children enter, and sets its clocks before they do. */
int make_time_namespace(const struct bundle_spec *bundle, struct hf_error *error);
/* The CLONE_NEW* of the others that are made new. */
uint64_t new_namespaces(const struct bundle_spec *bundle);
/* Opens those that have a path. */
int open_namespaces(struct bundle_spec *bundle, struct hf_error *error);
/* Enters what was opened. The user namespace comes last: from there on the node's power is gone. */
int join_namespaces(const struct bundle_spec *bundle, struct hf_error *error);

/* ---- create.c: the node's side. */

#define SAME_PERSONALITY 0xffffffffu

enum { PRESERVED_FD = 6, MOST_PRESERVED = 100 };

/* Descriptors that the first process, or one that is run beside it, takes over. */
struct bundle_ends {
    int root, listener, console;
    /* Where the shim gets the terminal that it is to carry, or -1. */
    int terminal;
    /* Told to go on: the init once its ids are mapped and once the hooks of its creator ran, another once it is known. */
    int go[2];
    /* Takes one struct hf_error; its errnum is 0 once the container is created. */
    int error[2];
};

int run_bundle(struct bundle_spec *bundle, int report_fd);

/* Lets the process at the other ends go on from where it waits. */
int let_go_on(const struct bundle_ends *ends, struct hf_error *error);
/* Tells the runtime of the process, and keeps the socket. A runtime that cannot be told gets no process. */
int tell_runtime(int report_fd, const struct joined *joined, struct hf_error *error);

/* ---- exec.c: one more process in a container. */

int run_bundle_exec(struct bundle_spec *bundle, int report_fd);

/* ---- wait.c: waits for a child's end. Returns its exit status, or 128 and the signal that ended it. */

/* `terminal` brings the master of the child's terminal, whose input and output are carried meanwhile; -1 for none. */
int wait_for_end(int32_t pid, int terminal);

/* ---- relay.c: between a terminal's master and the standard streams. */

struct relay {
    int master, input, signals;
    int is_raw;
    struct termios before;
    size_t pending;
    char keys[4096];
};

/* Takes the size of the terminal this process has, unless it was asked for another. */
void adopt_size(struct bundle_spec *bundle);
/* Makes the terminal of this process, if it has one, pass every key on. */
void begin_relay(struct relay *relay, int master, int signals);
/* Waits until something comes, and passes it on. */
void serve_relay(struct relay *relay);
/* Passes on what is there already, and makes the terminal as it was. */
void end_relay(struct relay *relay);

/* ---- enter.c: enters all namespaces of a process. The pid namespace holds for children only. */

int enter_container(const struct process_id *id, struct hf_error *error);

/* ---- join.c: the process between the node and the container. Ends in _exit, having sent the init's pid. */

typedef void joiner_fn(struct bundle_spec *bundle, struct bundle_ends *ends, int told);

/* Forks a joiner, which sends one struct joined on `told`, and waits for its end. */
int fork_joiner(struct bundle_spec *bundle, struct bundle_ends *ends, joiner_fn *joiner, struct joined *joined,
                struct hf_error *error);
/* Tells of the process that was made, or why none was, and ends. One that cannot be told of is ended too. */
_Noreturn void end_joiner(struct bundle_ends *ends, const struct joined *joined, int told, struct hf_error *error);
/* What a process with users of its own can not do any more. What the kernel refuses is clamped. */
int raise_for_bundle(struct bundle_spec *bundle, uint32_t *clamped, struct hf_error *error);
_Noreturn void join_and_start_bundle(struct bundle_spec *bundle, struct bundle_ends *ends, int told);

/* ---- sockets.c */

/* Makes the listening socket `start` in a directory. */
int listen_for_start(const char *state_dir, struct hf_error *error);
/* Connects to the socket of whoever wants the terminal: another's, or the shim itself. */
int open_console_ends(struct bundle_spec *bundle, struct bundle_ends *ends, struct hf_error *error);
int send_descriptor(int socket, int fd, struct hf_error *error);

/* ---- init.c */

int await_go(const struct bundle_ends *ends, struct hf_error *error);
/* Returns only when a step failed. */

int become_bundle(struct bundle_spec *bundle, struct bundle_ends *ends, struct hf_error *error);

/* ---- last-steps.c: what every process of a bundle does last. */

/* The container's user may open its streams anew (/dev/stdout) only when the pipes are its own. */
void give_away_streams(const struct container_spec *c);
/* Keeps the standard streams, what is preserved, and from there on the error pipe and the listener. */
int keep_descriptors(const struct bundle_spec *bundle, struct bundle_ends *ends, struct hf_error *error);
/* Takes the identity and executes the program. */
int exec_confined(const struct bundle_spec *bundle, struct hf_error *error);
/* The two parts of it, for a process that waits in between: what does not need root, and the rest. */
int confine_early(const struct bundle_spec *bundle, struct hf_error *error);
int confine_late(const struct bundle_spec *bundle, struct hf_error *error);

/* ---- mounts.c */

int open_bundle_root(const struct bundle_spec *bundle, struct hf_error *error);
int open_bundle_binds(struct bundle_spec *bundle, struct hf_error *error);
int make_bundle_fs(struct bundle_spec *bundle, struct hf_error *error);
int attach_bundle_mounts(int root, struct bundle_spec *bundle, struct hf_error *error);
int finish_bundle_root(int root, const struct bundle_spec *bundle, struct hf_error *error);

/* ---- users.c: returns a user namespace that maps so; nothing runs in it. */

int make_users(const char *uid_map, const char *gid_map, struct hf_error *error);
int write_map(int32_t pid, const char *name, const char *map, struct hf_error *error);

/* ---- copy-up.c: copies files, directories and links, with owners and modes, and leaves out what else there is. */

/* `with_mode` gives `to` itself the owner and mode of `from` too. */
int copy_up(int from, int to, int with_mode, const char *path, struct hf_error *error);

/* ---- devices.c */

int open_bundle_devices(struct bundle_spec *bundle, struct hf_error *error);
int fill_bundle_dev(int root, const struct bundle_spec *bundle, struct hf_error *error);

/* ---- console.c: makes the terminal the standard streams and sends its other side away. */

int open_console(int root, const struct bundle_spec *bundle, int socket, struct hf_error *error);

/* ---- identity.c: the five sets, the user and its groups. */

int take_bundle_identity(const struct bundle_spec *bundle, struct hf_error *error);

/* ---- visit.c: runs the program and gives its exit status; of what failed before it ran there is a report, and 255. */

int run_visit(const struct visit_spec *visit, int report_fd);

#endif
