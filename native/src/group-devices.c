#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long bpf(int command, union bpf_attr *attr)
{
    return syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int load(const void *program, size_t bytes)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insns = (uint64_t)(uintptr_t)program;
    attr.insn_cnt = (uint32_t)(bytes / sizeof(struct bpf_insn));
    attr.license = (uint64_t)(uintptr_t)"Apache-2.0";
    return (int)bpf(BPF_PROG_LOAD, &attr);
}

/* Beside what others attach, here or above: all of them have to allow. */
static int attach(int group, int program)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.target_fd = (uint32_t)group;
    attr.attach_bpf_fd = (uint32_t)program;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    return (int)bpf(BPF_PROG_ATTACH, &attr);
}

HF_API int32_t hf_group_hold_devices(const char *group, const void *program, size_t bytes, struct hf_error *error)
{
    int group_fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group_fd < 0)
        return hf_fail(error, errno, "open cgroup", group);
    int program_fd = load(program, bytes);
    int result = program_fd < 0 ? hf_fail(error, errno, "load device program", NULL) : 0;
    if (result == 0 && attach(group_fd, program_fd) < 0)
        result = hf_fail(error, errno, "attach device program", group);
    if (program_fd >= 0)
        close(program_fd);
    close(group_fd);
    return result;
}

HF_API int32_t hf_group_holds_devices(const char *group, struct hf_error *error)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    int group_fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group_fd < 0)
        return hf_fail(error, errno, "open cgroup", group);
    attr.query.target_fd = (uint32_t)group_fd;
    attr.query.attach_type = BPF_CGROUP_DEVICE;
    long found = bpf(BPF_PROG_QUERY, &attr);
    int errnum = errno;
    close(group_fd);
    return found < 0 ? hf_fail(error, errnum, "ask for device programs", group) : attr.query.prog_cnt > 0;
}
