#include "bundle.h"
#include "reader.h"

#include <string.h>

static void take_namespaces(struct reader *r, struct bundle_spec *b)
{
    b->namespace_count = take_count(r, 4 + 5);
    b->namespaces = reserve(r, b->namespace_count, sizeof *b->namespaces);
    for (uint32_t i = 0; i < b->namespace_count && !r->failed; i++) {
        b->namespaces[i].kind = take_u32(r);
        b->namespaces[i].path = take_text(r);
        b->namespaces[i].fd = -1;
    }
}

static void take_bundle_mounts(struct reader *r, struct bundle_spec *b)
{
    b->mount_count = take_count(r, 4 + 4 + 4 * 8 + 4 + 5 + 5 + 5 + 4 + 5 + 5);
    b->mounts = reserve(r, b->mount_count, sizeof *b->mounts);
    for (uint32_t i = 0; i < b->mount_count && !r->failed; i++) {
        struct bundle_mount *m = &b->mounts[i];
        *m = (struct bundle_mount){.fd = -1, .is_directory = 1};
        m->kind = take_u32(r);
        m->flags = take_u32(r);
        m->set = take_u64(r);
        m->clear = take_u64(r);
        m->set_below = take_u64(r);
        m->clear_below = take_u64(r);
        m->propagation = take_u32(r);
        m->source = take_text(r);
        m->destination = take_text(r);
        m->type = take_text(r);
        m->parameters = take_texts(r);
        m->uid_map = take_text(r);
        m->gid_map = take_text(r);
        if ((m->kind != BUNDLE_BIND && m->kind != BUNDLE_FS) || m->parameters.count % 2 != 0)
            r->failed = 1;
    }
}

static void take_bundle_devices(struct reader *r, struct bundle_spec *b)
{
    b->device_count = take_count(r, 5 + 5 * 4);
    b->devices = reserve(r, b->device_count, sizeof *b->devices);
    for (uint32_t i = 0; i < b->device_count && !r->failed; i++) {
        struct bundle_device *d = &b->devices[i];
        d->path = take_text(r);
        d->mode = take_u32(r);
        d->major = take_u32(r);
        d->minor = take_u32(r);
        d->uid = take_u32(r);
        d->gid = take_u32(r);
        d->fd = -1;
    }
}

static void take_limits(struct reader *r, struct container_spec *c)
{
    c->limit_count = take_count(r, 4 + 8 + 8);
    c->limits = reserve(r, c->limit_count, sizeof *c->limits);
    for (uint32_t i = 0; i < c->limit_count && !r->failed; i++) {
        c->limits[i].resource = take_u32(r);
        c->limits[i].soft = take_u64(r);
        c->limits[i].hard = take_u64(r);
    }
}

static void take_process(struct reader *r, struct bundle_spec *b)
{
    struct container_spec *c = &b->container;
    c->args = take_texts(r);
    c->env = take_texts(r);
    c->cwd = take_text(r);
    c->uid = take_u32(r);
    c->gid = take_u32(r);
    c->umask = take_u32(r);
    c->extra_gid_count = take_count(r, sizeof(uint32_t));
    c->extra_gids = reserve(r, c->extra_gid_count, sizeof *c->extra_gids);
    for (uint32_t i = 0; i < c->extra_gid_count && !r->failed; i++)
        c->extra_gids[i] = take_u32(r);
    b->capabilities.bounding = take_u64(r);
    b->capabilities.effective = take_u64(r);
    b->capabilities.permitted = take_u64(r);
    b->capabilities.inheritable = take_u64(r);
    b->capabilities.ambient = take_u64(r);
    c->oom_score_adj = (int32_t)take_u32(r);
    take_limits(r, c);
    c->filter_bytes = take_u32(r);
    c->filter = take(r, c->filter_bytes);
    c->apparmor_profile = take_text(r);
    c->selinux_label = take_text(r);
    b->personality = take_u32(r);
    b->rows = take_u32(r);
    b->columns = take_u32(r);
    if (c->args.count == 0)
        r->failed = 1;
}

static void take_preserved(struct reader *r, struct bundle_spec *b)
{
    b->preserved_count = take_u32(r);
    if (b->preserved_count > MOST_PRESERVED)
        r->failed = 1;
}

static struct process_id take_process_id(struct reader *r)
{
    struct process_id id = {.pid = (int32_t)take_u32(r)};
    id.start_time = take_u64(r);
    return id;
}

static void take_bundle_exec(struct reader *r, struct bundle_spec *b)
{
    b->flags = take_u32(r);
    b->container.groups = take_texts(r);
    b->neighbour = take_process_id(r);
    take_process(r, b);
    b->console_socket = take_text(r);
    take_preserved(r, b);
}

static void take_bundle(struct reader *r, struct bundle_spec *b)
{
    b->flags = take_u32(r);
    b->container.groups = take_texts(r);
    b->root = take_text(r);
    b->root_propagation = take_u32(r);
    b->hostname = take_text(r);
    b->domainname = take_text(r);
    take_namespaces(r, b);
    b->uid_map = take_text(r);
    b->gid_map = take_text(r);
    b->time_offsets = take_text(r);
    b->sysctls = take_texts(r);
    take_bundle_mounts(r, b);
    take_bundle_devices(r, b);
    b->container.masked = take_texts(r);
    b->container.readonly = take_texts(r);
    take_process(r, b);
    b->state_dir = take_text(r);
    b->console_socket = take_text(r);
    take_preserved(r, b);
    if (b->sysctls.count % 2 != 0)
        r->failed = 1;
}

int bundle_decode(struct bundle_specs *specs, const void *bytes, size_t size, void *arena, size_t arena_size)
{
    struct reader r = {.at = bytes, .left = size, .arena = arena, .arena_left = arena_size};
    memset(specs, 0, sizeof *specs);
    if (size > SPEC_MAX_BYTES || take_u32(&r) != SPEC_MAGIC || take_u32(&r) != size)
        return -1;
    specs->mode = take_u32(&r);
    if (specs->mode == MODE_BUNDLE) {
        take_bundle(&r, &specs->bundle);
    } else if (specs->mode == MODE_BUNDLE_EXEC) {
        take_bundle_exec(&r, &specs->bundle);
    } else if (specs->mode == MODE_VISIT) {
        specs->visit.container = take_process_id(&r);
        specs->visit.args = take_texts(&r);
        specs->visit.env = take_texts(&r);
        if (specs->visit.args.count == 0)
            return -1;
    } else {
        return -1;
    }
    return r.failed || r.left != 0 ? -1 : 0;
}
