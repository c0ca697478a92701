#include "bundle.h"
#include "kernel.h"

#include <linux/capability.h>
#include <sys/prctl.h>

static int set_sets(const struct capability_sets *sets, struct hf_error *error)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    for (int half = 0; half < 2; half++)
        data[half] = (struct __user_cap_data_struct){
            .effective = (uint32_t)(sets->effective >> (32 * half)),
            .permitted = (uint32_t)(sets->permitted >> (32 * half)),
            .inheritable = (uint32_t)(sets->inheritable >> (32 * half)),
        };
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, data) < 0)
        return fail(error, "set capabilities", NULL);
    /* The kernel keeps as ambient only what is both permitted and inheritable. */
    uint64_t ambient = sets->ambient & sets->permitted & sets->inheritable;
    for (int capability = 0; capability < 64; capability++)
        if (ambient >> capability & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
            return fail(error, "raise ambient capabilities", NULL);
    return 0;
}

int take_bundle_identity(const struct bundle_spec *bundle, struct hf_error *error)
{
    if (bound_capabilities(bundle->capabilities.bounding, error) < 0 || set_ids(&bundle->container, error) < 0)
        return -1;
    return set_sets(&bundle->capabilities, error);
}
