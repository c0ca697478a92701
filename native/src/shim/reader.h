/* Reading the primitive forms of a spec (spec.h). After the first failure every take gives zero or nothing. */
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
/* A count of items that take at least `least` bytes each in what is left. */
uint32_t take_count(struct reader *r, size_t least);
/* Room for a list, from the arena. */
void *reserve(struct reader *r, size_t count, size_t size);

#endif
