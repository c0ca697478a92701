/*
 * Two containers of a pod against the shim of one. Without an argument it hands the writing ends of its stdout and
 * stderr to the other and ends when that says so. The other keeps them: with `flood` it writes empty lines, the most
 * work for each byte, all the time; with `steal` it takes from stderr what the shim, busy with stdout, was told of.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STREAMS = 2, ROUNDS = 40 };

static const struct sockaddr_un meeting = {.sun_family = AF_UNIX, .sun_path = "\0holdfast-log-thief"};
static const socklen_t meeting_size = offsetof(struct sockaddr_un, sun_path) + sizeof "holdfast-log-thief";

union control {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(STREAMS * sizeof(int))];
};

static int give(void)
{
    char byte = 0;
    int streams[STREAMS] = {1, 2};
    union control control = {{.cmsg_len = CMSG_LEN(sizeof streams), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(CMSG_DATA(&control.head), streams, sizeof streams);
    if (connect(fd, (const struct sockaddr *)&meeting, meeting_size) < 0 || sendmsg(fd, &message, 0) < 0)
        return 1;
    return read(fd, &byte, 1) == 1 ? 5 : 1;
}

/* Waits for the other container; returns the connection to it. */
static int receive(int streams[STREAMS])
{
    char byte;
    union control control;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (const struct sockaddr *)&meeting, meeting_size) < 0 || listen(fd, 1) < 0)
        return -1;
    puts("ready");
    fflush(stdout);
    int giver = accept(fd, NULL, NULL);
    if (recvmsg(giver, &message, 0) != 1)
        return -1;
    memcpy(streams, CMSG_DATA(&control.head), STREAMS * sizeof(int));
    return giver;
}

static int open_anew(int fd, int flags)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, flags | O_NONBLOCK);
}

static void fill(int out)
{
    static char lines[4096];
    memset(lines, '\n', sizeof lines);
    while (write(out, lines, sizeof lines) > 0)
        ;
}

/* Ends when the shim no longer reads: it waits for what was stolen. */
static void steal(int out, int err_reader, int err)
{
    char byte;
    for (int round = 0; round < ROUNDS; round++) {
        int before = 0, after = 0;
        fill(out);
        (void)!write(err, "x", 1);
        usleep(1000 * (useconds_t)(1 + round % 20));
        (void)!read(err_reader, &byte, 1);
        usleep(40000);
        ioctl(out, FIONREAD, &before);
        usleep(40000);
        ioctl(out, FIONREAD, &after);
        if (after > 0 && after == before)
            return;
    }
}

static int take(const char *way)
{
    int streams[STREAMS] = {-1, -1}, giver = receive(streams);
    int out = open_anew(streams[0], O_RDWR), err = open_anew(streams[1], O_WRONLY);
    int err_reader = open_anew(streams[1], O_RDONLY);
    if (giver < 0 || out < 0 || err < 0 || err_reader < 0)
        return 1;
    puts("taken");
    fflush(stdout);
    if (strcmp(way, "steal") == 0)
        steal(out, err_reader, err);
    else if (fork() == 0)
        for (;;)
            fill(out);
    usleep(100000);
    (void)!write(giver, "", 1);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    return argc == 2 ? take(argv[1]) : give();
}
