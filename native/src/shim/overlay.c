#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MOST_LAYERS = 500 };

/* A detached mount of each layer, idmapped where the pod has users of its own. */
struct layers {
    uint32_t count;
    int mounts[MOST_LAYERS];
};

/* `upper` becomes the container's root directory: it belongs to the pod's root, and others may enter it. */
static int make_writable(const struct container_spec *c, struct hf_error *error)
{
    if (make_parents(c->upper) < 0 || mkdir(c->upper, 0755) < 0 || chmod(c->upper, 0755) < 0)
        return fail(error, "make directory", c->upper);
    if (chown(c->upper, c->root_owner, c->root_owner) < 0)
        return fail(error, "give away directory", c->upper);
    return mkdir(c->work, 0700) < 0 ? fail(error, "make directory", c->work) : 0;
}

int idmap(int mount, int users, unsigned flags, const char *path, struct hf_error *error)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)users};
    return sys_mount_setattr(mount, flags, &attributes) < 0 ? fail(error, "idmap mount", path) : 0;
}

static int open_layers(const struct container_spec *c, int users, struct layers *layers, struct hf_error *error)
{
    layers->count = c->layers.count;
    if (layers->count > MOST_LAYERS) {
        errno = E2BIG;
        return fail(error, "open layers", NULL);
    }
    for (uint32_t i = 0; i < layers->count; i++) {
        const char *path = c->layers.items[i];
        layers->mounts[i] = sys_clone_tree(AT_FDCWD, path, 0);
        if (layers->mounts[i] < 0)
            return fail(error, "open layer", path);
        if (users >= 0 && idmap(layers->mounts[i], users, 0, path, error) < 0)
            return -1;
    }
    return 0;
}

/*
 * Names a directory to overlayfs by its descriptor, relative to /proc/self/fd, the working directory: fsconfig takes
 * at most 255 bytes, which a path may exceed, and a detached tree has no other name.
 */
static int set_directory(int fs, const char *key, int dir)
{
    char name[16];
    snprintf(name, sizeof name, "%d", dir);
    return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, name, 0);
}

static int set_writable(int fs, const char *key, const char *path, struct hf_error *error)
{
    int dir = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return fail(error, "open directory", path);
    return set_directory(fs, key, dir) < 0 ? fail(error, "add directory", path) : 0;
}

static int add_layers(int fs, const struct container_spec *c, const struct layers *layers, struct hf_error *error)
{
    for (uint32_t i = 0; i < layers->count; i++)
        if (set_directory(fs, "lowerdir+", layers->mounts[i]) < 0)
            return fail(error, "add layer", c->layers.items[i]);
    return 0;
}

/* As kernels before 6.7 want it, all in one text; it holds about sixty. */
static int add_layers_at_once(int fs, const struct container_spec *c, const struct layers *layers,
                              struct hf_error *error)
{
    char text[256];
    size_t used = 0;
    for (uint32_t i = 0; i < layers->count; i++) {
        int wrote = snprintf(text + used, sizeof text - used, i == 0 ? "%d" : ":%d", layers->mounts[i]);
        used += (size_t)wrote;
        if (used >= sizeof text) {
            errno = E2BIG;
            return fail(error, "add layer", c->layers.items[i]);
        }
    }
    return sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", text, 0) < 0 ? fail(error, "add layers", text) : 0;
}

typedef int add_layers_fn(int fs, const struct container_spec *c, const struct layers *layers, struct hf_error *error);

static int mount_overlay(const struct spec *spec, const struct layers *layers, add_layers_fn *add,
                         struct hf_error *error)
{
    const struct container_spec *c = &spec->container;
    if (chdir("/proc/self/fd") < 0)
        return fail(error, "chdir", "/proc/self/fd");
    int fs = sys_fsopen("overlay");
    if (fs < 0)
        return fail(error, "open overlayfs", NULL);
    if (add(fs, c, layers, error) < 0 || set_writable(fs, "upperdir", c->upper, error) < 0 ||
        set_writable(fs, "workdir", c->work, error) < 0)
        return -1;
    if (c->mount_label[0] != '\0' && sys_fsconfig(fs, FSCONFIG_SET_STRING, "context", c->mount_label, 0) < 0)
        return fail(error, "set mount label", c->mount_label);
    /* The upper directory never outlives its container, so it need not survive a power cut either. */
    if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", "overlay", 0) < 0 ||
        sys_fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0 ||
        sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return fail(error, "create overlay", c->upper);
    int root = sys_fsmount(fs, spec->flags & PRIVILEGED ? 0 : MOUNT_ATTR_NODEV);
    if (root < 0 || chdir("/") < 0)
        return fail(error, "mount overlay", c->upper);
    close(fs);
    return root;
}

/* Shows each layer over its own directory, in a mount namespace that nothing else sees. */
static int mount_attached(const struct spec *spec, const struct layers *layers, struct hf_error *error)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(error, "unshare mounts", NULL);
    for (uint32_t i = 0; i < layers->count; i++) {
        const char *path = spec->container.layers.items[i];
        int place = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (place < 0 || sys_move_mount(layers->mounts[i], place) < 0)
            return fail(error, "attach layer", path);
        close(place);
    }
    return mount_overlay(spec, layers, add_layers_at_once, error);
}

struct attempt {
    int root;
    struct hf_error error;
};

/*
 * Kernels before 6.15 take no detached mount for a layer. A process that shares our descriptors, and nothing else,
 * attaches them where only it can see them, and leaves the overlay's own detached mount among the descriptors.
 */
static int mount_by_other_process(const struct spec *spec, const struct layers *layers, struct hf_error *error)
{
    struct clone_args args = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
    struct attempt *attempt = mmap(NULL, sizeof *attempt, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (attempt == MAP_FAILED)
        return fail(error, "share memory", NULL);
    attempt->root = -1;
    errno = ECHILD;
    note_failure(&attempt->error, "mount overlay", NULL);
    long pid = sys_clone3(&args);
    if (pid == 0) {
        attempt->root = mount_attached(spec, layers, &attempt->error);
        _exit(0);
    }
    if (pid < 0) {
        munmap(attempt, sizeof *attempt);
        return fail(error, "clone", NULL);
    }
    waitpid((pid_t)pid, NULL, 0);
    int root = attempt->root;
    if (root < 0)
        *error = attempt->error;
    munmap(attempt, sizeof *attempt);
    return root;
}

/*
 * A volatile overlay leaves a mark in its work directory, and none is mounted where there is one: the overlay that Linux
 * 6.7 to 6.14 began to make, and gave up for a detached layer, left it for the next.
 */
static int forget_attempt(const char *work, struct hf_error *error)
{
    static const struct {
        const char *path;
        int flags;
    } marks[] = {
        {"work/incompat/volatile/dirty", 0},
        {"work/incompat/volatile", AT_REMOVEDIR},
        {"work/incompat", AT_REMOVEDIR},
    };
    int dir = open(work, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return fail(error, "open directory", work);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (unlinkat(dir, marks[i].path, marks[i].flags) < 0 && errno != ENOENT)
            return fail(error, "clear directory", work);
    close(dir);
    return 0;
}

int make_overlay(const struct spec *spec, int users, struct hf_error *error)
{
    struct layers layers;
    if (make_writable(&spec->container, error) < 0 || open_layers(&spec->container, users, &layers, error) < 0)
        return -1;
    int root = mount_overlay(spec, &layers, add_layers, error);
    if (root >= 0 || error->errnum != EINVAL)
        return root;
    *error = (struct hf_error){0};
    if (forget_attempt(spec->container.work, error) < 0)
        return -1;
    return mount_by_other_process(spec, &layers, error);
}
