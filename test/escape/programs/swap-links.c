/* Exchanges two names for ever, as fast as it can, and says once that it does. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <linux/fs.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    for (long swaps = 0;; swaps++) {
        if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0)
            return 1;
        if (swaps == 1000)
            puts("swapping"), fflush(stdout);
    }
}
