/*
 * Prints the answer to a question, "refused", or "none" when there is none in time.
 * Usage: ask tcp|udp ADDRESS PORT MILLISECONDS
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static int say(const char *answer)
{
    puts(answer);
    return 0;
}

/* Waits until something can be done with the socket. Returns 0 when nothing can before the deadline. */
static int wait_for(int link, short events, long long deadline)
{
    long long left = deadline - now_ms();
    struct pollfd one = {.fd = link, .events = events};
    return left > 0 && poll(&one, 1, (int)left) > 0;
}

static int ask_udp(int link, const struct addrinfo *to, long long deadline)
{
    char text[512] = "";
    if (sendto(link, "?", 1, 0, to->ai_addr, to->ai_addrlen) != 1 || !wait_for(link, POLLIN, deadline))
        return say("none");
    return say(recv(link, text, sizeof text - 1, 0) > 0 ? text : "none");
}

static int ask_tcp(int link, const struct addrinfo *to, long long deadline)
{
    char text[512] = "";
    size_t length = 0;
    if (connect(link, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS)
        return say(errno == ECONNREFUSED ? "refused" : "none");
    while (wait_for(link, POLLIN, deadline)) {
        ssize_t got = recv(link, text + length, sizeof text - 1 - length, 0);
        if (got < 0)
            return say(errno == ECONNREFUSED ? "refused" : "none");
        if (got == 0)
            return say(text);
        length += (size_t)got;
    }
    return say("none");
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    int is_udp = strcmp(argv[1], "udp") == 0;
    long long deadline = now_ms() + atoll(argv[4]);
    struct addrinfo want = {.ai_socktype = is_udp ? SOCK_DGRAM : SOCK_STREAM}, *to;
    if (getaddrinfo(argv[2], argv[3], &want, &to) != 0)
        return say("none");
    int link = socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link < 0)
        return 1;
    return is_udp ? ask_udp(link, to, deadline) : ask_tcp(link, to, deadline);
}
