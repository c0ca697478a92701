/*
 * Takes of one thing as much as it gets: descriptors (`fds`) or inotify instances (`inotify`). Prints how many, gives
 * three of them back so that it can go on, and with `hold` keeps the rest for ever.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int count = 0, last = -1, fd;
    if (argc < 2)
        return 2;
    int is_inotify = strcmp(argv[1], "inotify") == 0;
    while ((fd = is_inotify ? inotify_init1(IN_CLOEXEC) : open("/dev/null", O_RDONLY)) >= 0) {
        count++;
        last = fd;
    }
    for (int i = 0; i < 3 && count > 3 && !is_inotify; i++)
        close(last - i);
    printf("%d\n", count);
    fflush(stdout);
    while (argc == 3)
        pause();
    return 0;
}
