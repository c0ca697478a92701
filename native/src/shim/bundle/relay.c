#include "bundle.h"
#include "kernel.h"
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

/* The first of the standard streams that is a terminal has its size. */
static int read_size(struct winsize *size)
{
    for (int fd = 0; fd <= 2; fd++)
        if (ioctl(fd, TIOCGWINSZ, size) == 0)
            return 0;
    return -1;
}

void adopt_size(struct bundle_spec *bundle)
{
    struct winsize size;
    if (bundle->rows > 0 || read_size(&size) < 0)
        return;
    bundle->rows = size.ws_row;
    bundle->columns = size.ws_col;
}

void begin_relay(struct relay *relay, int master, int signals)
{
    memset(relay, 0, sizeof *relay);
    relay->master = master;
    relay->signals = signals;
    fcntl(master, F_SETFL, O_NONBLOCK);
    relay->is_raw = tcgetattr(0, &relay->before) == 0;
    if (relay->is_raw) {
        struct termios raw = relay->before;
        cfmakeraw(&raw);
        tcsetattr(0, TCSADRAIN, &raw);
    }
}

/* Whoever read it may be gone; the program goes on without. */
static void show(const char *at, size_t length)
{
    while (length > 0) {
        ssize_t wrote = write(1, at, length);
        if (wrote < 0 && errno != EINTR)
            return;
        at += wrote < 0 ? 0 : wrote;
        length -= wrote < 0 ? 0 : (size_t)wrote;
    }
}

/* Returns whether there was something. A terminal nobody has open any more gives EIO. */
static int take_output(struct relay *relay)
{
    char output[4096];
    ssize_t got = read(relay->master, output, sizeof output);
    if (got > 0)
        show(output, (size_t)got);
    else if (got == 0 || errno == EIO)
        relay->master = -1;
    return got > 0;
}

static void take_keys(struct relay *relay)
{
    ssize_t got = read(relay->input, relay->keys, sizeof relay->keys);
    if (got > 0)
        relay->pending = (size_t)got;
    else if (got == 0 || errno != EINTR)
        relay->input = -1;
}

static void give_keys(struct relay *relay)
{
    ssize_t wrote = write(relay->master, relay->keys, relay->pending);
    if (wrote < 0 && errno == EAGAIN)
        return;
    wrote = wrote < 0 ? (ssize_t)relay->pending : wrote;
    relay->pending -= (size_t)wrote;
    memmove(relay->keys, relay->keys + wrote, relay->pending);
}

static void take_signals(const struct relay *relay)
{
    struct signalfd_siginfo info;
    struct winsize size;
    while (read(relay->signals, &info, sizeof info) > 0)
        if (info.ssi_signo == SIGWINCH && relay->master >= 0 && read_size(&size) == 0)
            resize_terminal(relay->master, size.ws_row, size.ws_col);
}

void serve_relay(struct relay *relay)
{
    struct pollfd ready[] = {
        {relay->signals, POLLIN, 0},
        {relay->master, (short)(relay->pending > 0 ? POLLIN | POLLOUT : POLLIN), 0},
        {relay->pending > 0 || relay->master < 0 ? -1 : relay->input, POLLIN, 0},
    };
    if (poll(ready, sizeof ready / sizeof ready[0], 1000) < 0)
        return;
    if (ready[0].revents)
        take_signals(relay);
    if (ready[1].revents & POLLOUT)
        give_keys(relay);
    if (ready[1].revents & ~POLLOUT)
        take_output(relay);
    if (ready[2].revents)
        take_keys(relay);
}

void end_relay(struct relay *relay)
{
    /* What background processes go on writing is not waited for. */
    for (int left = 1024; left > 0 && relay->master >= 0 && take_output(relay); left--)
        ;
    if (relay->is_raw)
        tcsetattr(0, TCSADRAIN, &relay->before);
}
