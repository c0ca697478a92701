/*
 * Spawns a shim that ends at once (true(1)), as the agent does, and says what came of it: the errno or 0, the stage, how
 * many descriptors were left and whether a child was. getppid(2) marks where the library's own calls begin and end.
 */
#include "holdfast.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int count_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    closedir(dir);
    return count;
}

int main(void)
{
    struct hf_error error = {0};
    int before = count_descriptors();
    (void)getppid();
    int shim = hf_shim_load("/bin/true", &error);
    int report = shim < 0 ? -1 : hf_shim_spawn(shim, NULL, "spec", 4, &error);
    (void)getppid();
    if (report >= 0)
        close(report);
    if (shim >= 0)
        close(shim);
    int has_child = waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
    printf("%d|%s|%d|%d\n", report < 0 ? error.errnum : 0, report < 0 ? error.stage : "", count_descriptors() - before,
           has_child);
    return 0;
}
