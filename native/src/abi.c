#include "holdfast.h"

#include <errno.h>
#include <string.h>

HF_API int64_t hf_abi_size(const char *name)
{
    static const struct {
        const char *name;
        size_t size;
    } layout[] = {
        {"hf_error", sizeof(struct hf_error)},
        {"hf_report", sizeof(struct hf_report)},
        {"hf_project_usage", sizeof(struct hf_project_usage)},
    };
    for (size_t i = 0; i < sizeof layout / sizeof layout[0]; i++)
        if (strcmp(layout[i].name, name) == 0)
            return (int64_t)layout[i].size;
    return -ENOENT;
}
