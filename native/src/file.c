#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Blocks of the tree that the kernel keeps for a file; every file system takes this size. */
#define VERITY_BLOCK_BYTES 4096

HF_API int32_t hf_file_set_attributes(int32_t fd, uint32_t uid, uint32_t gid, uint32_t mode, int64_t mtime_seconds,
                                      struct hf_error *error)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = mtime_seconds}};
    /* Owner first: chown(2) clears the set-id bits. */
    if (fchown(fd, uid, gid) < 0 || fchmod(fd, mode & 07777) < 0 || futimens(fd, times) < 0)
        return hf_fail(error, errno, "set attributes", NULL);
    return 0;
}

HF_API int32_t hf_file_start_writeback(int32_t fd, int64_t offset, int64_t bytes, struct hf_error *error)
{
    if (sync_file_range(fd, offset, bytes, SYNC_FILE_RANGE_WRITE) == 0)
        return 0;
    /* A file system that cannot be asked loses nothing by it. */
    return errno == ENOSYS || errno == EINVAL || errno == ESPIPE ? 0 : hf_fail(error, errno, "write back", NULL);
}

HF_API int32_t hf_file_xattr_names(int32_t fd, void *names, uint32_t bytes, struct hf_error *error)
{
    ssize_t length = flistxattr(fd, names, bytes);
    if (length >= 0)
        return (int32_t)length;
    /* A file system without attributes has none. */
    return errno == ENOTSUP ? 0 : hf_fail(error, errno, "list xattrs", NULL);
}

HF_API int32_t hf_file_xattr(int32_t fd, const char *name, void *value, uint32_t bytes, struct hf_error *error)
{
    ssize_t length = fgetxattr(fd, name, value, bytes);
    return length < 0 ? hf_fail(error, errno, "read xattr", name) : (int32_t)length;
}

HF_API int32_t hf_verity_enable(int32_t fd, struct hf_error *error)
{
    struct fsverity_enable_arg how = {
        .version = 1,
        .hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
        .block_size = VERITY_BLOCK_BYTES,
    };
    if (ioctl(fd, FS_IOC_ENABLE_VERITY, &how) == 0)
        return 1;
    switch (errno) {
    case EEXIST:
        return 1;
    case EOPNOTSUPP:
    case ENOTTY:
    case ENOSYS:
    /* No such blocks, or no such digest, of this file system or kernel. */
    case EINVAL:
    case ENOPKG:
        return 0;
    default:
        return hf_fail(error, errno, "enable verity", NULL);
    }
}

HF_API int32_t hf_verity_measure(int32_t fd, void *digest, uint32_t bytes, struct hf_error *error)
{
    struct {
        struct fsverity_digest head;
        unsigned char digest[64];
    } measured = {.head = {.digest_size = sizeof measured.digest}};
    if (ioctl(fd, FS_IOC_MEASURE_VERITY, &measured) < 0) {
        if (errno == ENODATA || errno == EOPNOTSUPP || errno == ENOTTY || errno == ENOSYS)
            return 0;
        return hf_fail(error, errno, "measure verity", NULL);
    }
    if (measured.head.digest_size > bytes)
        return hf_fail(error, EOVERFLOW, "measure verity", NULL);
    memcpy(digest, measured.head.digest, measured.head.digest_size);
    return measured.head.digest_size;
}
