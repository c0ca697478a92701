/* Tries to take a directory or file out of its project. Prints what came of each way, one line for each. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* An id as the kernel has it for none, and one beside the first of those that the agent gives to volumes. */
#define NO_PROJECT 0u
#define OTHER_PROJECT 1212547073u

static void tell(const char *what, int result)
{
    printf("%s: %s\n", what, result == 0 ? "done" : strerror(errno));
}

static int move_to(int fd, unsigned project)
{
    struct fsxattr attributes;
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0)
        return -1;
    attributes.fsx_projid = project;
    return ioctl(fd, FS_IOC_FSSETXATTR, &attributes);
}

static int stop_inheritance(int fd)
{
    struct fsxattr attributes;
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0)
        return -1;
    attributes.fsx_xflags &= ~(unsigned)FS_XFLAG_PROJINHERIT;
    return ioctl(fd, FS_IOC_FSSETXATTR, &attributes);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
        tell("to no project", move_to(fd, NO_PROJECT));
        tell("to another project", move_to(fd, OTHER_PROJECT));
        tell("without inheritance", stop_inheritance(fd));
        close(fd);
    }
    return 0;
}
