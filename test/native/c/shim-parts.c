/*
 * Runs parts of the shim under the sanitizers. Reads launch specs from standard input, each as u32 length and bytes,
 * decodes each in memory of exactly its size, and prints one line: "bad", or every field in the spec's order.
 */
#include "spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void text(const char *value)
{
    printf("%s\x1f", value);
}

static void number(uint64_t value)
{
    printf("%" PRIu64 "\x1f", value);
}

static void texts(const struct texts *values)
{
    number(values->count);
    for (uint32_t i = 0; i < values->count; i++)
        text(values->items[i]);
    if (values->items[values->count] != NULL)
        abort();
}

static void mounts(const struct container_spec *c)
{
    number(c->mount_count);
    for (uint32_t i = 0; i < c->mount_count; i++) {
        number(c->mounts[i].kind);
        number(c->mounts[i].flags);
        number(c->mounts[i].attributes);
        text(c->mounts[i].source);
        text(c->mounts[i].destination);
        text(c->mounts[i].sub_path);
        texts(&c->mounts[i].parameters);
    }
}

static void identity(const struct container_spec *c)
{
    number(c->uid);
    number(c->gid);
    number(c->umask);
    number(c->extra_gid_count);
    for (uint32_t i = 0; i < c->extra_gid_count; i++)
        number(c->extra_gids[i]);
    number(c->capabilities);
    printf("%" PRId32 "\x1f", c->oom_score_adj);
    number(c->limit_count);
    for (uint32_t i = 0; i < c->limit_count; i++) {
        number(c->limits[i].resource);
        number(c->limits[i].soft);
        number(c->limits[i].hard);
    }
}

static void process(const struct container_spec *c)
{
    texts(&c->args);
    texts(&c->env);
    text(c->cwd);
    identity(c);
    number(c->filter_bytes);
    for (uint32_t i = 0; i < c->filter_bytes; i++)
        number(((const uint8_t *)c->filter)[i]);
    text(c->apparmor_profile);
    text(c->selinux_label);
    number(c->stream_uid);
    number(c->stream_gid);
}

static void joined(const struct container_spec *c)
{
    number((uint32_t)c->sandbox_pid);
    number(c->sandbox_start_time);
    texts(&c->groups);
}

static void container(const struct container_spec *c)
{
    number((uint32_t)c->sandbox_pid);
    number(c->sandbox_start_time);
    number((uint32_t)c->pids_pid);
    number(c->pids_start_time);
    texts(&c->groups);
    texts(&c->layers);
    number(c->root_owner);
    text(c->upper);
    text(c->work);
    number(c->device_count);
    for (uint32_t i = 0; i < c->device_count; i++)
        text(c->devices[i].path);
    mounts(c);
    texts(&c->masked);
    texts(&c->readonly);
    process(c);
    text(c->log_path);
    number(c->log_max_bytes);
    number(c->log_max_files);
    text(c->exit_path);
    text(c->mount_label);
}

static void show(const struct spec *spec)
{
    number(spec->mode);
    number(spec->flags);
    texts(&spec->shim_groups);
    if (spec->mode == MODE_CONTAINER) {
        container(&spec->container);
        return;
    }
    if (spec->mode == MODE_EXEC) {
        joined(&spec->container);
        process(&spec->container);
        number(spec->rows);
        number(spec->columns);
        return;
    }
    text(spec->sandbox.hostname);
    number(spec->sandbox.id_base);
    number(spec->sandbox.id_count);
    texts(&spec->sandbox.sysctls);
    number(spec->sandbox.volume_count);
    for (uint32_t i = 0; i < spec->sandbox.volume_count; i++) {
        text(spec->sandbox.volumes[i].name);
        texts(&spec->sandbox.volumes[i].parameters);
    }
}

static void decode(const void *bytes, size_t size)
{
    struct spec spec;
    size_t arena_size = spec_arena_bytes(size);
    void *arena = malloc(arena_size);
    if (!arena)
        abort();
    if (spec_decode(&spec, bytes, size, arena, arena_size) == 0)
        show(&spec);
    else
        printf("bad");
    putchar('\n');
    free(arena);
}

int main(void)
{
    uint32_t size;
    while (fread(&size, sizeof size, 1, stdin) == 1) {
        uint8_t *bytes = malloc(size ? size : 1);
        if (!bytes || fread(bytes, 1, size, stdin) != size)
            abort();
        decode(bytes, size);
        free(bytes);
    }
    return 0;
}
