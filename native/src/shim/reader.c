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

/* Room for a list, from the arena. */
static void *reserve(struct reader *r, size_t count, size_t size)
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

/* A count of items that take at least `least` bytes each in what is left. */
static uint32_t take_count(struct reader *r, size_t least)
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

void *take_list(struct reader *r, uint32_t *count, size_t least, size_t size, take_fn *take_item)
{
    uint8_t *items;
    *count = take_count(r, least);
    items = reserve(r, *count, size);
    for (uint32_t i = 0; i < *count && !r->failed; i++)
        take_item(r, items + i * size);
    return items;
}

struct texts take_pairs(struct reader *r)
{
    struct texts pairs = take_texts(r);
    if (pairs.count % 2 != 0)
        r->failed = 1;
    return pairs;
}

int take_header(struct reader *r, size_t size, uint32_t *mode)
{
    if (size > SPEC_MAX_BYTES || take_u32(r) != SPEC_MAGIC || take_u32(r) != size)
        r->failed = 1;
    *mode = take_u32(r);
    return r->failed ? -1 : 0;
}

int is_read(const struct reader *r)
{
    return !r->failed && r->left == 0;
}

void take_program(struct reader *r, struct container_spec *c)
{
    c->args = take_texts(r);
    c->env = take_texts(r);
    c->cwd = take_text(r);
    if (c->args.count == 0)
        r->failed = 1;
}

static void take_gid(struct reader *r, void *gid)
{
    *(uint32_t *)gid = take_u32(r);
}

void take_user(struct reader *r, struct container_spec *c)
{
    c->uid = take_u32(r);
    c->gid = take_u32(r);
    c->umask = take_u32(r);
    c->extra_gids = take_list(r, &c->extra_gid_count, sizeof(uint32_t), sizeof *c->extra_gids, take_gid);
}

static void take_limit(struct reader *r, void *limit)
{
    struct limit_spec *l = limit;
    l->resource = take_u32(r);
    l->soft = take_u64(r);
    l->hard = take_u64(r);
}

void take_bounds(struct reader *r, struct container_spec *c)
{
    c->oom_score_adj = (int32_t)take_u32(r);
    c->limits = take_list(r, &c->limit_count, 4 + 8 + 8, sizeof *c->limits, take_limit);
    c->filter_bytes = take_u32(r);
    c->filter = take(r, c->filter_bytes);
    c->apparmor_profile = take_text(r);
    c->selinux_label = take_text(r);
}
