/*
 * Starting a container as an OCI runtime does: everything it is made of stands in the bundle's config.json, its parent
 * is whoever started the runtime, and its program waits until it is told to start.
 */
#ifndef HF_SHIM_BUNDLE_H
#define HF_SHIM_BUNDLE_H

#include "shim.h"

/* Modes beside those of enum mode. */
enum { MODE_BUNDLE = 16, MODE_VISIT = 17 };

/* Flags of a bundle beside READONLY_ROOT and NO_NEW_PRIVILEGES. */
enum {
    BUNDLE_ROOT_NODEV = 1u << 8,
    BUNDLE_TERMINAL = 1u << 9,
    BUNDLE_OOM_SCORE = 1u << 10,
    /* /dev is the container's own: it gets the default links. */
    BUNDLE_OWN_DEV = 1u << 11,
};

enum bundle_mount_kind { BUNDLE_BIND = 1, BUNDLE_FS = 2 };
enum {
    /* A bind takes the mounts below its source along. */
    BUNDLE_MOUNT_TREE = 1u << 0,
    /* Its attributes hold for the mounts below it too. */
    BUNDLE_MOUNT_ATTRIBUTES_BELOW = 1u << 1,
    /* May lie over a file of procfs. */
    BUNDLE_MOUNT_OVER_PROC = 1u << 2,
};

struct bundle_mount {
    uint32_t kind, flags;
    uint64_t set, clear;
    /* MS_* of mount(2), or 0 for private. */
    uint32_t propagation;
    const char *source, *destination, *type;
    /* Key, value, key, value; an empty value makes the key a flag. */
    struct texts parameters;
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
    /* Path below /proc/sys, value. */
    struct texts sysctls;
    uint32_t mount_count;
    struct bundle_mount *mounts;
    uint32_t device_count;
    struct bundle_device *devices;
    struct capability_sets capabilities;
    uint32_t rows, columns;
    /* Where the socket `start` is made, and the socket that takes the terminal; empty for none. */
    const char *state_dir, *console_socket;
};

/* A program run among another process's namespaces (an OCI hook). */
struct visit_spec {
    int32_t pid;
    uint64_t start_time;
    struct texts args, env;
};

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
/* The CLONE_NEW* of those that are made new. */
uint64_t new_namespaces(const struct bundle_spec *bundle);
/* Opens those that have a path. */
int open_namespaces(struct bundle_spec *bundle, struct hf_error *error);
/* Enters what was opened. The user namespace comes last: from there on the node's power is gone. */
int join_namespaces(const struct bundle_spec *bundle, struct hf_error *error);

/* ---- create.c: the node's side. */

/* Descriptors that the init takes over. */
struct bundle_ends {
    int root, listener, console;
    /* Told to go on, twice: once its ids are mapped, once the hooks of its creator ran. */
    int go[2];
    /* Takes one struct hf_error; its errnum is 0 once the container is created. */
    int error[2];
};

int run_bundle(struct bundle_spec *bundle, int report_fd);

/* ---- join.c: the process between the node and the container. Ends in _exit, having sent the init's pid. */

_Noreturn void join_and_start_bundle(struct bundle_spec *bundle, struct bundle_ends *ends, int joined);

/* ---- sockets.c */

/* Makes the listening socket `start` in a directory. */
int listen_for_start(const char *state_dir, struct hf_error *error);
/* Connects to the socket of whoever wants the terminal. */
int connect_console(const char *path, struct hf_error *error);
int send_descriptor(int socket, int fd, struct hf_error *error);

/* ---- init.c: returns only when a step failed. */

int become_bundle(struct bundle_spec *bundle, struct bundle_ends *ends, struct hf_error *error);

/* ---- mounts.c */

int open_bundle_root(const struct bundle_spec *bundle, struct hf_error *error);
int open_bundle_binds(struct bundle_spec *bundle, struct hf_error *error);
int make_bundle_fs(struct bundle_spec *bundle, struct hf_error *error);
int attach_bundle_mounts(int root, struct bundle_spec *bundle, struct hf_error *error);
int finish_bundle_root(int root, const struct bundle_spec *bundle, struct hf_error *error);

/* ---- devices.c */

int open_bundle_devices(struct bundle_spec *bundle, struct hf_error *error);
int fill_bundle_dev(int root, const struct bundle_spec *bundle, struct hf_error *error);

/* ---- console.c: makes the terminal the standard streams and sends its other side away. */

int open_console(int root, const struct bundle_spec *bundle, int socket, struct hf_error *error);

/* ---- identity.c: the five sets, the user and its groups. */

int take_bundle_identity(const struct bundle_spec *bundle, struct hf_error *error);

/* ---- visit.c: runs the program and gives its exit status, 255 for what failed before it ran. */

int run_visit(const struct visit_spec *visit);

#endif
