#include "reader.h"

#include <stdalign.h>
#include <string.h>

size_t spec_arena_bytes(size_t spec_bytes)
{
    return spec_bytes * 4 + 4096;
}

const void *take(struct reader *r, size_t size)
{
    if (r->failed || size > r->left) {
        r->failed = 1;
        return NULL;
    }
    const void *at = r->at;
    r->at += size;
    r->left -= size;
    return at;
}

uint32_t take_u32(struct reader *r)
{
    uint32_t value = 0;
    const void *from = take(r, sizeof value);
    if (from)
        memcpy(&value, from, sizeof value);
    return value;
}

uint64_t take_u64(struct reader *r)
{
    uint64_t value = 0;
    const void *from = take(r, sizeof value);
    if (from)
        memcpy(&value, from, sizeof value);
    return value;
}

const char *take_text(struct reader *r)
{
    uint32_t length = take_u32(r);
    const char *text = take(r, (size_t)length + 1);
    if (!text || memchr(text, 0, (size_t)length + 1) != text + length) {
        r->failed = 1;
        return "";
    }
    return text;
}

void *reserve(struct reader *r, size_t count, size_t size)
{
    size_t padding = (size_t)(-(uintptr_t)r->arena) % alignof(max_align_t);
    if (r->failed || padding > r->arena_left || count > (r->arena_left - padding) / size) {
        r->failed = 1;
        return NULL;
    }
    void *at = r->arena + padding;
    r->arena += padding + count * size;
    r->arena_left -= padding + count * size;
    return at;
}

uint32_t take_count(struct reader *r, size_t least)
{
    uint32_t count = take_u32(r);
    if (r->failed || count > r->left / least) {
        r->failed = 1;
        return 0;
    }
    return count;
}

struct texts take_texts(struct reader *r)
{
    struct texts texts = {.count = take_count(r, sizeof(uint32_t) + 1)};
    texts.items = reserve(r, (size_t)texts.count + 1, sizeof *texts.items);
    if (r->failed)
        return (struct texts){0};
    for (uint32_t i = 0; i < texts.count; i++)
        texts.items[i] = take_text(r);
    texts.items[texts.count] = NULL;
    return texts;
}

static void take_devices(struct reader *r, struct container_spec *c)
{
    c->device_count = take_count(r, sizeof(uint32_t) + 1);
    c->devices = reserve(r, c->device_count, sizeof *c->devices);
    for (uint32_t i = 0; i < c->device_count && !r->failed; i++)
        c->devices[i] = (struct device_spec){.path = take_text(r), .fd = -1};
}

static void take_mounts(struct reader *r, struct container_spec *c)
{
    c->mount_count = take_count(r, 4 + 4 + 8 + 5 + 5 + 5 + 4);
    c->mounts = reserve(r, c->mount_count, sizeof *c->mounts);
    for (uint32_t i = 0; i < c->mount_count && !r->failed; i++) {
        struct mount_spec *m = &c->mounts[i];
        *m = (struct mount_spec){.fd = -1, .is_directory = 1};
        m->kind = take_u32(r);
        m->flags = take_u32(r);
        m->attributes = take_u64(r);
        m->source = take_text(r);
        m->destination = take_text(r);
        m->sub_path = take_text(r);
        m->parameters = take_texts(r);
        if (m->kind < MOUNT_BIND || m->kind > MOUNT_VOLUME || m->parameters.count % 2 != 0)
            r->failed = 1;
    }
}

static void take_identity(struct reader *r, struct container_spec *c)
{
    c->uid = take_u32(r);
    c->gid = take_u32(r);
    c->umask = take_u32(r);
    c->extra_gid_count = take_count(r, sizeof(uint32_t));
    c->extra_gids = reserve(r, c->extra_gid_count, sizeof *c->extra_gids);
    for (uint32_t i = 0; i < c->extra_gid_count && !r->failed; i++)
        c->extra_gids[i] = take_u32(r);
    c->capabilities = take_u64(r);
    c->oom_score_adj = (int32_t)take_u32(r);
    c->limit_count = take_count(r, 4 + 8 + 8);
    c->limits = reserve(r, c->limit_count, sizeof *c->limits);
    for (uint32_t i = 0; i < c->limit_count && !r->failed; i++) {
        c->limits[i].resource = take_u32(r);
        c->limits[i].soft = take_u64(r);
        c->limits[i].hard = take_u64(r);
    }
    c->filter_bytes = take_u32(r);
    c->filter = take(r, c->filter_bytes);
    c->apparmor_profile = take_text(r);
    c->selinux_label = take_text(r);
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
    take_devices(r, c);
    take_mounts(r, c);
    c->masked = take_texts(r);
    c->readonly = take_texts(r);
    c->args = take_texts(r);
    c->env = take_texts(r);
    c->cwd = take_text(r);
    take_identity(r, c);
    c->log_path = take_text(r);
    c->log_max_bytes = take_u64(r);
    c->log_max_files = take_u32(r);
    c->exit_path = take_text(r);
    c->mount_label = take_text(r);
    if (c->args.count == 0 || c->layers.count == 0 || c->log_max_files == 0)
        r->failed = 1;
}

static void take_exec(struct reader *r, struct spec *spec)
{
    struct container_spec *c = &spec->container;
    c->sandbox_pid = (int32_t)take_u32(r);
    c->sandbox_start_time = take_u64(r);
    c->groups = take_texts(r);
    c->args = take_texts(r);
    c->env = take_texts(r);
    c->cwd = take_text(r);
    take_identity(r, c);
    spec->rows = take_u32(r);
    spec->columns = take_u32(r);
    if (c->args.count == 0)
        r->failed = 1;
}

static void take_sandbox(struct reader *r, struct sandbox_spec *sandbox)
{
    sandbox->hostname = take_text(r);
    sandbox->id_base = take_u32(r);
    sandbox->id_count = take_u32(r);
    sandbox->sysctls = take_texts(r);
    if (sandbox->sysctls.count % 2 != 0)
        r->failed = 1;
    sandbox->volume_count = take_count(r, 5 + 4);
    sandbox->volumes = reserve(r, sandbox->volume_count, sizeof *sandbox->volumes);
    for (uint32_t i = 0; i < sandbox->volume_count && !r->failed; i++) {
        struct volume_spec *volume = &sandbox->volumes[i];
        *volume = (struct volume_spec){.fd = -1};
        volume->name = take_text(r);
        volume->parameters = take_texts(r);
        if (volume->parameters.count % 2 != 0)
            r->failed = 1;
    }
}

int spec_decode(struct spec *spec, const void *bytes, size_t size, void *arena, size_t arena_size)
{
    struct reader r = {.at = bytes, .left = size, .arena = arena, .arena_left = arena_size};
    memset(spec, 0, sizeof *spec);
    if (size > SPEC_MAX_BYTES || take_u32(&r) != SPEC_MAGIC || take_u32(&r) != size)
        return -1;
    spec->mode = take_u32(&r);
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
    return r.failed || r.left != 0 ? -1 : 0;
}
