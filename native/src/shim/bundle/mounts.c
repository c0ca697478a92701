#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* A copy of a mount is in the peer group of the original until it is told otherwise. */
static int set_propagation(int mount, uint32_t propagation, unsigned recursive)
{
    struct mount_attr attributes = {.propagation = propagation ? propagation : MS_PRIVATE};
    return sys_mount_setattr(mount, recursive, &attributes);
}

int open_bundle_root(const struct bundle_spec *b, struct hf_error *error)
{
    struct mount_attr nodev = {.attr_set = MOUNT_ATTR_NODEV};
    int root = sys_clone_tree(AT_FDCWD, b->root, AT_RECURSIVE);
    if (root < 0)
        return fail(error, "open root", b->root);
    /* Nothing shared can be pivoted into, so that comes when the root is in place. */
    uint32_t propagation = b->root_propagation == MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
    if (set_propagation(root, propagation, AT_RECURSIVE) < 0)
        return fail(error, "set root propagation", b->root);
    if (b->flags & BUNDLE_ROOT_NODEV && sys_mount_setattr(root, 0, &nodev) < 0)
        return fail(error, "set root attributes", b->root);
    return root;
}

static int set_attributes(int mount, uint64_t set, uint64_t clear, unsigned recursive)
{
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear};
    return (set | clear) == 0 ? 0 : sys_mount_setattr(mount, recursive, &attributes);
}

static int open_container_users(const struct bundle_spec *b, struct hf_error *error)
{
    for (uint32_t i = 0; i < b->namespace_count; i++)
        if (b->namespaces[i].kind == CLONE_NEWUSER && b->namespaces[i].fd >= 0)
            return fcntl(b->namespaces[i].fd, F_DUPFD_CLOEXEC, 0);
    return make_users(b->uid_map, b->gid_map, error);
}

static int idmap_bind(const struct bundle_spec *b, const struct bundle_mount *m, struct hf_error *error)
{
    if (!(m->flags & BUNDLE_MOUNT_IDMAP))
        return 0;
    int users = m->uid_map[0] == '\0' ? open_container_users(b, error) : make_users(m->uid_map, m->gid_map, error);
    if (users < 0 || idmap(m->fd, users, m->flags & BUNDLE_MOUNT_IDMAP_BELOW ? AT_RECURSIVE : 0, m->source, error) < 0)
        return -1;
    return close(users);
}

static int open_bind(const struct bundle_spec *b, struct bundle_mount *m, struct hf_error *error)
{
    struct stat about;
    unsigned recursive = m->flags & BUNDLE_MOUNT_TREE ? AT_RECURSIVE : 0;
    m->fd = sys_clone_tree(AT_FDCWD, m->source, recursive);
    if (m->fd < 0 || fstat(m->fd, &about) < 0)
        return fail(error, "open mount source", m->source);
    m->is_directory = S_ISDIR(about.st_mode);
    if (set_propagation(m->fd, m->propagation, recursive) < 0)
        return fail(error, "set mount propagation", m->source);
    if (set_attributes(m->fd, m->set_below, m->clear_below, AT_RECURSIVE) < 0 ||
        set_attributes(m->fd, m->set, m->clear, 0) < 0)
        return fail(error, "set mount attributes", m->source);
    return idmap_bind(b, m, error);
}

int open_bundle_binds(struct bundle_spec *b, struct hf_error *error)
{
    for (uint32_t i = 0; i < b->mount_count; i++)
        if (b->mounts[i].kind == BUNDLE_BIND && open_bind(b, &b->mounts[i], error) < 0)
            return -1;
    return 0;
}

static int configure(int fs, const struct bundle_mount *m, struct hf_error *error)
{
    if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", m->source, 0) < 0)
        return fail(error, "name file system", m->source);
    for (uint32_t i = 0; i < m->parameters.count; i += 2) {
        const char *key = m->parameters.items[i], *value = m->parameters.items[i + 1];
        int refused = value[0] == '\0' ? sys_fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0)
                                       : sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
        if (refused < 0)
            return fail(error, "set mount option", key);
    }
    return sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? fail(error, "create file system", m->type) : 0;
}

/* Made before the pivot: the kernel gives procfs and sysfs only to a place that already shows them in full. */
int make_bundle_fs(struct bundle_spec *b, struct hf_error *error)
{
    for (uint32_t i = 0; i < b->mount_count; i++) {
        struct bundle_mount *m = &b->mounts[i];
        if (m->kind != BUNDLE_FS)
            continue;
        int fs = sys_fsopen(m->type);
        if (fs < 0)
            return fail(error, "open file system", m->type);
        if (configure(fs, m, error) < 0)
            return -1;
        /* Written to while other mounts find their places in it; read-only comes at the end. */
        m->fd = sys_fsmount(fs, (unsigned)m->set & ~(unsigned)MOUNT_ATTR_RDONLY);
        if (m->fd < 0)
            return fail(error, "mount file system", m->type);
        close(fs);
        if (m->propagation && set_propagation(m->fd, m->propagation, 0) < 0)
            return fail(error, "set mount propagation", m->destination);
    }
    return 0;
}

static int has_parameter(const struct bundle_mount *m, const char *key)
{
    for (uint32_t i = 0; i < m->parameters.count; i += 2)
        if (strcmp(m->parameters.items[i], key) == 0)
            return 1;
    return 0;
}

/* A program that trusts /proc must find procfs there, and the runtime itself when it sets up the next container. */
static int refuse_procfs(int target, const struct bundle_mount *m, struct hf_error *error)
{
    struct statfs about;
    if (fstatfs(target, &about) < 0)
        return fail(error, "check mount point", m->destination);
    if (about.f_type != PROC_SUPER_MAGIC || m->flags & BUNDLE_MOUNT_OVER_PROC)
        return 0;
    errno = EPERM;
    return fail(error, "mount over procfs", m->destination);
}

int attach_bundle_mounts(int root, struct bundle_spec *b, struct hf_error *error)
{
    struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
    for (uint32_t i = 0; i < b->mount_count; i++) {
        struct bundle_mount *m = &b->mounts[i];
        int target = make_path(root, m->destination, m->is_directory, error);
        if (target < 0 || refuse_procfs(target, m, error) < 0)
            return -1;
        if (m->flags & BUNDLE_MOUNT_COPY_UP && copy_up(target, m->fd, !has_parameter(m, "mode"), m->destination, error) < 0)
            return -1;
        if (sys_move_mount(m->fd, target) < 0)
            return fail(error, "attach mount", m->destination);
        close(target);
    }
    for (uint32_t i = 0; i < b->mount_count; i++) {
        const struct bundle_mount *m = &b->mounts[i];
        if (m->kind == BUNDLE_FS && m->set & MOUNT_ATTR_RDONLY && sys_mount_setattr(m->fd, 0, &readonly) < 0)
            return fail(error, "make mount read-only", m->destination);
    }
    return 0;
}

int finish_bundle_root(int root, const struct bundle_spec *b, struct hf_error *error)
{
    if (protect_paths(root, &b->container, b->flags, error) < 0)
        return -1;
    if (b->root_propagation && set_propagation(root, b->root_propagation, 0) < 0)
        return fail(error, "set root propagation", "/");
    return 0;
}
