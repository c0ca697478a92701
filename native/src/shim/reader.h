/* Reading a spec (spec.h): its primitive forms, and what both kinds of spec say. After the first failure every take gives zero or nothing. */
#ifndef HF_SHIM_READER_H
#define HF_SHIM_READER_H

#include "spec.h"

struct reader {
    const uint8_t *at;
    size_t left;
    uint8_t *arena;
    size_t arena_left;
    int failed;
};

const void *take(struct reader *r, size_t size);
uint32_t take_u32(struct reader *r);
uint64_t take_u64(struct reader *r);
const char *take_text(struct reader *r);
struct texts take_texts(struct reader *r);
/* Key, value, key, value. */
struct texts take_pairs(struct reader *r);

typedef void take_fn(struct reader *r, void *item);

/* A list, in the arena, of items of `size` that take at least `least` bytes each in what is left. */
void *take_list(struct reader *r, uint32_t *count, size_t least, size_t size, take_fn *take_item);

/* What every spec begins with. Returns -1 for one of another kind or length. */
int take_header(struct reader *r, size_t size, uint32_t *mode);
/* Whether all of it was there, and no more. */
int is_read(const struct reader *r);

/* Of a process: what it executes, as whom, and within which bounds. */
void take_program(struct reader *r, struct container_spec *c);
void take_user(struct reader *r, struct container_spec *c);
void take_bounds(struct reader *r, struct container_spec *c);

#endif
