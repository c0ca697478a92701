#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Named through a descriptor of its directory: a socket's path takes 107 bytes, a directory's may be longer. */
int listen_for_start(const char *state_dir, struct hf_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int dir = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (dir < 0 || listener < 0)
        return fail(error, "make start socket", state_dir);
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/start", dir);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0)
        return fail(error, "make start socket", state_dir);
    close(dir);
    return listener;
}

static int connect_console(const char *path, struct hf_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return fail(error, "connect console socket", path);
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return fail(error, "connect console socket", path);
    return fd;
}

int open_console_ends(struct bundle_spec *b, struct bundle_ends *ends, struct hf_error *error)
{
    int pair[2];
    ends->console = ends->terminal = -1;
    if (b->console_socket[0] != '\0')
        return (ends->console = connect_console(b->console_socket, error)) < 0 ? -1 : 0;
    if (!(b->flags & BUNDLE_RELAY))
        return 0;
    adopt_size(b);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return fail(error, "make terminal's socket", NULL);
    ends->console = pair[0];
    ends->terminal = pair[1];
    return 0;
}

int send_descriptor(int socket, int fd, struct hf_error *error)
{
    static char name[] = "/dev/ptmx";
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec text = {name, sizeof name - 1};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1};
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? fail(error, "send terminal", NULL) : 0;
}
