#include "bundle.h"
#include "reader.h"

#include <string.h>

static void take_namespace(struct reader *r, void *item)
{
    struct bundle_namespace *namespace = item;
    namespace->kind = take_u32(r);
    namespace->path = take_text(r);
    namespace->fd = -1;
}

static void take_mount(struct reader *r, void *mount)
{
    struct bundle_mount *m = mount;
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
    m->parameters = take_pairs(r);
    m->uid_map = take_text(r);
    m->gid_map = take_text(r);
    if (m->kind != BUNDLE_BIND && m->kind != BUNDLE_FS)
        r->failed = 1;
}

static void take_device(struct reader *r, void *device)
{
    struct bundle_device *d = device;
    d->path = take_text(r);
    d->mode = take_u32(r);
    d->major = take_u32(r);
    d->minor = take_u32(r);
    d->uid = take_u32(r);
    d->gid = take_u32(r);
    d->fd = -1;
}

static void take_cpus(struct reader *r, struct cpu_mask *cpus)
{
    cpus->bytes = take_u32(r);
    cpus->mask = take(r, cpus->bytes);
}

static void take_schedule(struct reader *r, struct schedule_spec *s)
{
    s->policy = take_u32(r);
    s->flags = take_u64(r);
    s->nice = (int32_t)take_u32(r);
    s->priority = take_u32(r);
    s->runtime = take_u64(r);
    s->deadline = take_u64(r);
    s->period = take_u64(r);
    s->io_priority = take_u32(r);
    take_cpus(r, &s->first_cpus);
    take_cpus(r, &s->cpus);
}

static void take_process(struct reader *r, struct bundle_spec *b)
{
    take_program(r, &b->container);
    take_user(r, &b->container);
    b->capabilities.bounding = take_u64(r);
    b->capabilities.effective = take_u64(r);
    b->capabilities.permitted = take_u64(r);
    b->capabilities.inheritable = take_u64(r);
    b->capabilities.ambient = take_u64(r);
    take_bounds(r, &b->container);
    b->personality = take_u32(r);
    b->rows = take_u32(r);
    b->columns = take_u32(r);
    take_schedule(r, &b->schedule);
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
    b->namespaces = take_list(r, &b->namespace_count, 4 + 5, sizeof *b->namespaces, take_namespace);
    b->uid_map = take_text(r);
    b->gid_map = take_text(r);
    b->time_offsets = take_text(r);
    b->sysctls = take_pairs(r);
    b->mounts = take_list(r, &b->mount_count, 4 + 4 + 4 * 8 + 4 + 5 + 5 + 5 + 4 + 5 + 5, sizeof *b->mounts, take_mount);
    b->devices = take_list(r, &b->device_count, 5 + 5 * 4, sizeof *b->devices, take_device);
    b->container.masked = take_texts(r);
    b->container.readonly = take_texts(r);
    take_process(r, b);
    b->state_dir = take_text(r);
    b->console_socket = take_text(r);
    take_preserved(r, b);
}

int bundle_decode(struct bundle_specs *specs, const void *bytes, size_t size, void *arena, size_t arena_size)
{
    struct reader r = {.at = bytes, .left = size, .arena = arena, .arena_left = arena_size};
    memset(specs, 0, sizeof *specs);
    if (take_header(&r, size, &specs->mode) < 0)
        return -1;
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
    return is_read(&r) ? 0 : -1;
}
