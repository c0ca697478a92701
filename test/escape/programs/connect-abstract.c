/* Connects to an abstract UNIX socket by its name and prints the errno, 0 when somebody answered. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = argc == 2 ? strlen(argv[1]) : 0;
    if (length == 0 || length > sizeof address.sun_path - 1)
        return 2;
    memcpy(address.sun_path + 1, argv[1], length);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    printf("%d\n", connect(fd, (struct sockaddr *)&address, size) < 0 ? errno : 0);
    return 0;
}
