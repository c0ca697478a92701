#include "shim.h"

#include <errno.h>
#include <string.h>

static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = from ? strnlen(from, size - 1) : 0;
    if (length > 0)
        memcpy(to, from, length);
    memset(to + length, 0, size - length);
}

void note_failure(struct hf_error *error, const char *stage, const char *path)
{
    error->errnum = errno;
    copy_text(error->stage, sizeof error->stage, stage);
    copy_text(error->path, sizeof error->path, path);
}
