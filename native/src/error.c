#include "error.h"

#include <string.h>

static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = from ? strnlen(from, size - 1) : 0;
    if (length > 0)
        memcpy(to, from, length);
    memset(to + length, 0, size - length);
}

int32_t hf_fail(struct hf_error *error, int errnum, const char *stage, const char *path)
{
    if (error) {
        error->errnum = errnum;
        copy_text(error->stage, sizeof error->stage, stage);
        copy_text(error->path, sizeof error->path, path);
    }
    return -errnum;
}
