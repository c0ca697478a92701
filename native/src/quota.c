#include "error.h"

#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Limits are told in blocks of this size, usage in bytes. */
#define BLOCK_BYTES 1024u

/*
 * Project quotas of the file system that `fd` is on. The kernel translates these commands for ext4 and XFS alike. A
 * kernel before 5.14 says ENOSYS, as a file system without quotas does.
 */
static int quota_command(int fd, unsigned command, uint32_t project, void *data)
{
    return (int)syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, data);
}

/* What a kernel or file system says that has nothing of the kind, or has it switched off. */
static int means_absent(int errnum)
{
    return errnum == ENOSYS || errnum == ENOTTY || errnum == EOPNOTSUPP || errnum == EINVAL || errnum == ESRCH;
}

HF_API int32_t hf_project_support(int32_t fd, struct hf_error *error)
{
    struct fsxattr attributes;
    struct fs_quota_statv state = {.qs_version = FS_QSTATV_VERSION1};
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0)
        return means_absent(errno) ? HF_PROJECT_NONE : hf_fail(error, errno, "read project", NULL);
    if (quota_command(fd, Q_XGETQSTATV, 0, &state) < 0)
        return means_absent(errno) ? HF_PROJECT_NONE : hf_fail(error, errno, "read quota state", NULL);
    if (state.qs_flags & FS_QUOTA_PDQ_ENFD)
        return HF_PROJECT_ENFORCED;
    return state.qs_flags & FS_QUOTA_PDQ_ACCT ? HF_PROJECT_COUNTED : HF_PROJECT_NONE;
}

HF_API int64_t hf_project_get(int32_t fd, struct hf_error *error)
{
    struct fsxattr attributes;
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0)
        return hf_fail(error, errno, "read project", NULL);
    return attributes.fsx_projid;
}

HF_API int32_t hf_project_set(int32_t fd, uint32_t project, struct hf_error *error)
{
    struct fsxattr attributes;
    struct stat about;
    if (fstat(fd, &about) < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0)
        return hf_fail(error, errno, "read project", NULL);
    attributes.fsx_projid = project;
    if (S_ISDIR(about.st_mode))
        attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    if (ioctl(fd, FS_IOC_FSSETXATTR, &attributes) < 0)
        return hf_fail(error, errno, "set project", NULL);
    return 0;
}

HF_API int32_t hf_project_usage(int32_t fd, uint32_t project, struct hf_project_usage *usage, struct hf_error *error)
{
    struct if_dqblk quota = {0};
    /* XFS knows nothing of a project that has neither files nor limits. */
    if (quota_command(fd, Q_GETQUOTA, project, &quota) < 0 && errno != ENOENT)
        return hf_fail(error, errno, "read quota", NULL);
    usage->used_bytes = quota.dqb_curspace;
    usage->used_inodes = quota.dqb_curinodes;
    usage->limit_bytes = quota.dqb_bhardlimit * BLOCK_BYTES;
    return 0;
}

HF_API int32_t hf_project_limit(int32_t fd, uint32_t project, uint64_t bytes, struct hf_error *error)
{
    struct if_dqblk quota = {
        .dqb_bhardlimit = bytes / BLOCK_BYTES + (bytes % BLOCK_BYTES != 0),
        .dqb_valid = QIF_BLIMITS,
    };
    if (quota_command(fd, Q_SETQUOTA, project, &quota) < 0)
        return hf_fail(error, errno, "set quota", NULL);
    return 0;
}
