/*
 * Runs as a container's root with every capability and looks into each process that comes by, as an attacker would into
 * one that joins the container: its program and its descriptors. Says "ready", then what it found until killed.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Its container's, and its to write to by their names. Whoever holds one open for that keeps it from being executed. */
static const char OWN_PROGRAMS[] = "/bin/";

static void look_at_program(const char *pid)
{
    char path[64], target[256] = "";
    snprintf(path, sizeof path, "/proc/%s/exe", pid);
    if (readlink(path, target, sizeof target - 1) < 0) {
        if (errno == EACCES || errno == EPERM)
            puts("kept out");
        return;
    }
    if (strncmp(target, OWN_PROGRAMS, strlen(OWN_PROGRAMS)) == 0)
        return;
    printf("saw program %s\n", target);
    if (open(path, O_WRONLY | O_CLOEXEC) >= 0)
        printf("opened program %s\n", target);
}

/* The kernel closes descriptors at execve after memory is exchanged: the pipe that tells of a failed execve may show. */
enum { ERROR_PIPE = 3 };

static void look_at_descriptors(const char *pid)
{
    char path[64], target[256] = "";
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *descriptors = opendir(path);
    if (!descriptors)
        return;
    for (struct dirent *each; (each = readdir(descriptors)) != NULL;)
        if (isdigit(each->d_name[0]) && atoi(each->d_name) > ERROR_PIPE &&
            readlinkat(dirfd(descriptors), each->d_name, target, sizeof target - 1) > 0)
            printf("saw descriptor %s %s\n", each->d_name, target);
    closedir(descriptors);
}

int main(void)
{
    pid_t self = getpid();
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (;;) {
        DIR *processes = opendir("/proc");
        for (struct dirent *each; processes && (each = readdir(processes)) != NULL;) {
            if (!isdigit(each->d_name[0]) || atoi(each->d_name) == 1 || atoi(each->d_name) == self)
                continue;
            look_at_program(each->d_name);
            look_at_descriptors(each->d_name);
        }
        if (processes)
            closedir(processes);
    }
}
