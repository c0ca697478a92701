/* How the library's functions fail: `return hf_fail(error, errnum, stage, path);` gives -errnum. */
#ifndef HF_ERROR_H
#define HF_ERROR_H

#include "holdfast.h"

/* Fills `error` unless it is NULL; `path` may be NULL; texts that do not fit are cut. Returns -errnum. */
int32_t hf_fail(struct hf_error *error, int errnum, const char *stage, const char *path);

#endif
