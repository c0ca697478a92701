#include "reader.h"

#include <string.h>

static void take_device(struct reader *r, void *device)
{
    *(struct device_spec *)device = (struct device_spec){.path = take_text(r), .fd = -1};
}

static void take_mount(struct reader *r, void *mount)
{
    struct mount_spec *m = mount;
    *m = (struct mount_spec){.fd = -1, .is_directory = 1};
    m->kind = take_u32(r);
    m->flags = take_u32(r);
    m->attributes = take_u64(r);
    m->source = take_text(r);
    m->destination = take_text(r);
    m->sub_path = take_text(r);
    m->parameters = take_pairs(r);
    if (m->kind < MOUNT_BIND || m->kind > MOUNT_VOLUME)
        r->failed = 1;
}

static void take_identity(struct reader *r, struct container_spec *c)
{
    take_user(r, c);
    c->capabilities = take_u64(r);
    take_bounds(r, c);
    c->stream_uid = take_u32(r);
    c->stream_gid = take_u32(r);
}

static void take_container(struct reader *r, struct container_spec *c)
{
    c->sandbox_pid = (int32_t)take_u32(r);
    c->sandbox_start_time = take_u64(r);
    c->pids_pid = (int32_t)take_u32(r);
    c->pids_start_time = take_u64(r);
    c->groups = take_texts(r);
    c->layers = take_texts(r);
    c->root_owner = take_u32(r);
    c->upper = take_text(r);
    c->work = take_text(r);
    c->devices = take_list(r, &c->device_count, sizeof(uint32_t) + 1, sizeof *c->devices, take_device);
    c->mounts = take_list(r, &c->mount_count, 4 + 4 + 8 + 5 + 5 + 5 + 4, sizeof *c->mounts, take_mount);
    c->masked = take_texts(r);
    c->readonly = take_texts(r);
    take_program(r, c);
    take_identity(r, c);
    c->log_path = take_text(r);
    c->log_max_bytes = take_u64(r);
    c->log_max_files = take_u32(r);
    c->exit_path = take_text(r);
    c->mount_label = take_text(r);
    if (c->layers.count == 0 || c->log_max_files == 0)
        r->failed = 1;
}

static void take_exec(struct reader *r, struct spec *spec)
{
    struct container_spec *c = &spec->container;
    c->sandbox_pid = (int32_t)take_u32(r);
    c->sandbox_start_time = take_u64(r);
    c->groups = take_texts(r);
    take_program(r, c);
    take_identity(r, c);
    spec->rows = take_u32(r);
    spec->columns = take_u32(r);
}

static void take_volume(struct reader *r, void *item)
{
    struct volume_spec *volume = item;
    *volume = (struct volume_spec){.fd = -1};
    volume->name = take_text(r);
    volume->parameters = take_pairs(r);
}

static void take_sandbox(struct reader *r, struct sandbox_spec *sandbox)
{
    sandbox->hostname = take_text(r);
    sandbox->id_base = take_u32(r);
    sandbox->id_count = take_u32(r);
    sandbox->sysctls = take_pairs(r);
    sandbox->volumes = take_list(r, &sandbox->volume_count, 5 + 4, sizeof *sandbox->volumes, take_volume);
}

int spec_decode(struct spec *spec, const void *bytes, size_t size, void *arena, size_t arena_size)
{
    struct reader r = {.at = bytes, .left = size, .arena = arena, .arena_left = arena_size};
    memset(spec, 0, sizeof *spec);
    if (take_header(&r, size, &spec->mode) < 0)
        return -1;
    spec->flags = take_u32(&r);
    spec->shim_groups = take_texts(&r);
    if (spec->mode == MODE_SANDBOX) {
        take_sandbox(&r, &spec->sandbox);
    } else if (spec->mode == MODE_CONTAINER) {
        take_container(&r, &spec->container);
    } else if (spec->mode == MODE_EXEC) {
        take_exec(&r, spec);
    } else {
        return -1;
    }
    return is_read(&r) ? 0 : -1;
}
