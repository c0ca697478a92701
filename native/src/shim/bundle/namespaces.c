#include "bundle.h"
#include "kernel.h"

int has_namespace(const struct bundle_spec *bundle, uint32_t kind)
{
    for (uint32_t i = 0; i < bundle->namespace_count; i++)
        if (bundle->namespaces[i].kind == kind)
            return 1;
    return 0;
}

int has_new_namespace(const struct bundle_spec *bundle, uint32_t kind)
{
    for (uint32_t i = 0; i < bundle->namespace_count; i++)
        if (bundle->namespaces[i].kind == kind)
            return bundle->namespaces[i].path[0] == '\0';
    return 0;
}

int open_namespaces(struct bundle_spec *b, struct hf_error *error)
{
    for (uint32_t i = 0; i < b->namespace_count; i++) {
        struct bundle_namespace *namespace = &b->namespaces[i];
        if (namespace->path[0] == '\0')
            continue;
        namespace->fd = open(namespace->path, O_RDONLY | O_CLOEXEC);
        if (namespace->fd < 0)
            return fail(error, "open namespace", namespace->path);
    }
    return 0;
}

int make_time_namespace(const struct bundle_spec *bundle, struct hf_error *error)
{
    static const char offsets[] = "/proc/self/timens_offsets";
    if (!has_new_namespace(bundle, CLONE_NEWTIME))
        return 0;
    if (syscall(SYS_unshare, CLONE_NEWTIME) < 0)
        return fail(error, "make time namespace", NULL);
    if (bundle->time_offsets[0] != '\0' && write_file(AT_FDCWD, offsets, bundle->time_offsets) < 0)
        return fail(error, "set time offsets", bundle->time_offsets);
    return 0;
}

uint64_t new_namespaces(const struct bundle_spec *bundle)
{
    uint64_t kinds = 0;
    for (uint32_t i = 0; i < bundle->namespace_count; i++)
        if (bundle->namespaces[i].path[0] == '\0' && bundle->namespaces[i].kind != CLONE_NEWTIME)
            kinds |= bundle->namespaces[i].kind;
    return kinds;
}

static int join(const struct bundle_namespace *namespace, struct hf_error *error)
{
    if (namespace->fd >= 0 && syscall(SYS_setns, namespace->fd, (int)namespace->kind) < 0)
        return fail(error, "join namespace", namespace->path);
    return 0;
}

int join_namespaces(const struct bundle_spec *b, struct hf_error *error)
{
    for (uint32_t i = 0; i < b->namespace_count; i++)
        if (b->namespaces[i].kind != CLONE_NEWUSER && join(&b->namespaces[i], error) < 0)
            return -1;
    for (uint32_t i = 0; i < b->namespace_count; i++)
        if (b->namespaces[i].kind == CLONE_NEWUSER && join(&b->namespaces[i], error) < 0)
            return -1;
    return 0;
}
