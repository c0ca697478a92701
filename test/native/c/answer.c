/* Answers over TCP and UDP, on every address, with its name and who asked. Usage: answer NAME PORT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAITING = 64 };

static int open_socket(int type, int port)
{
    struct sockaddr_in6 everywhere = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};
    int link = socket(AF_INET6, type | SOCK_CLOEXEC, 0), off = 0, on = 1;
    if (link < 0 || setsockopt(link, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0 ||
        setsockopt(link, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(link, (struct sockaddr *)&everywhere, sizeof everywhere) < 0 ||
        (type == SOCK_STREAM && listen(link, WAITING) < 0)) {
        perror("answer");
        exit(1);
    }
    return link;
}

static size_t answer_to(const struct sockaddr_in6 *who, const char *name, char *text, size_t size)
{
    static const char MAPPED[] = "::ffff:";
    char address[INET6_ADDRSTRLEN] = "";
    inet_ntop(AF_INET6, &who->sin6_addr, address, sizeof address);
    int is_mapped = strncmp(address, MAPPED, strlen(MAPPED)) == 0;
    return (size_t)snprintf(text, size, "%s to %s", name, address + (is_mapped ? strlen(MAPPED) : 0));
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int tcp = open_socket(SOCK_STREAM, atoi(argv[2])), udp = open_socket(SOCK_DGRAM, atoi(argv[2]));
    struct pollfd both[] = {{.fd = tcp, .events = POLLIN}, {.fd = udp, .events = POLLIN}};
    puts("ready");
    fflush(stdout);
    while (poll(both, 2, -1) > 0) {
        char question[512], text[512];
        struct sockaddr_in6 who = {0};
        socklen_t length = sizeof who;
        if (both[0].revents) {
            int link = accept(tcp, (struct sockaddr *)&who, &length);
            if (link < 0)
                continue;
            (void)!write(link, text, answer_to(&who, argv[1], text, sizeof text));
            close(link);
        } else if (recvfrom(udp, question, sizeof question, 0, (struct sockaddr *)&who, &length) >= 0) {
            sendto(udp, text, answer_to(&who, argv[1], text, sizeof text), 0, (struct sockaddr *)&who, length);
        }
    }
    return 1;
}
