#include "kernel.h"
#include "session.h"

#include <errno.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

enum { PTMX_MAJOR = 5, PTMX_MINOR = 2 };

/* The container may have put anything at that path: only devpts itself will do. */
static int open_multiplexer(struct hf_error *error)
{
    static const char path[] = "/dev/pts/ptmx";
    struct statfs system;
    struct stat about;
    int fd = sys_openat2(AT_FDCWD, path, O_RDWR | O_NOCTTY | O_NONBLOCK, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (fd < 0 || fstatfs(fd, &system) < 0 || fstat(fd, &about) < 0)
        return fail(error, "open terminal", path);
    if (system.f_type == DEVPTS_SUPER_MAGIC && S_ISCHR(about.st_mode) &&
        about.st_rdev == makedev(PTMX_MAJOR, PTMX_MINOR))
        return fd;
    errno = ENODEV;
    return fail(error, "check terminal", path);
}

static int send_master(int channel, int master)
{
    char byte = 0;
    struct iovec part = {&byte, 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &master, sizeof master);
    return sendmsg(channel, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int receive_master(int channel, struct hf_error *error)
{
    char byte;
    struct iovec part = {&byte, 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int master;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1 ||
        message.msg_controllen < sizeof control.header || control.header.cmsg_len != CMSG_LEN(sizeof(int)) ||
        control.header.cmsg_type != SCM_RIGHTS) {
        errno = EPROTO;
        return fail(error, "receive terminal", NULL);
    }
    memcpy(&master, CMSG_DATA(&control.header), sizeof master);
    return master;
}

int resize_terminal(int master, uint32_t rows, uint32_t columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    return ioctl(master, TIOCSWINSZ, &size);
}

int make_terminal(uid_t owner, uint32_t rows, uint32_t columns, int *terminal, struct hf_error *error)
{
    int unlocked = 0, master = open_multiplexer(error);
    if (master < 0)
        return -1;
    if (ioctl(master, TIOCSPTLCK, &unlocked) < 0 || resize_terminal(master, rows, columns) < 0)
        return fail(error, "set up terminal", NULL);
    /* From the master itself: no path of the container is looked up. */
    *terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*terminal < 0 || fchown(*terminal, owner, (gid_t)-1) < 0)
        return fail(error, "open terminal's end", NULL);
    return master;
}

int become_terminal(int terminal, struct hf_error *error)
{
    if (ioctl(terminal, TIOCSCTTY, 0) < 0)
        return fail(error, "take controlling terminal", NULL);
    if (dup2(terminal, 0) < 0 || dup2(terminal, 1) < 0 || dup2(terminal, 2) < 0)
        return fail(error, "connect terminal", NULL);
    return 0;
}

int take_terminal(const struct spec *spec, int channel, struct hf_error *error)
{
    int terminal, master = make_terminal(spec->container.uid, spec->rows, spec->columns, &terminal, error);
    if (master < 0 || become_terminal(terminal, error) < 0)
        return -1;
    if (send_master(channel, master) < 0)
        return fail(error, "send terminal", NULL);
    return 0;
}
