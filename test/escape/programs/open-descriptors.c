/* Prints every descriptor the program was started with, and whether one of them or the working directory leads out. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int leads_out(int dir)
{
    char path[64] = "";
    int used = 0;
    for (int up = 0; up < 12; up++) {
        used += snprintf(path + used, sizeof path - (size_t)used, "../");
        char marker[96];
        snprintf(marker, sizeof marker, "%smarker-of-the-node", path);
        if (faccessat(dir, marker, F_OK, 0) == 0)
            return 1;
    }
    return 0;
}

int main(void)
{
    struct stat about;
    for (int fd = 0; fd < 1024; fd++)
        if (fstat(fd, &about) == 0)
            printf("%d%s\n", fd, leads_out(fd) ? " leads out" : "");
    puts(leads_out(AT_FDCWD) ? "cwd leads out" : "end");
    return 0;
}
