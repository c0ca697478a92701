/*
 * Sets labels through a directory that stands for procfs, under the sanitizers: labels-check DIRECTORY PROFILE LABEL.
 * Prints "set", or the failed step and what it was about.
 */
#include "shim.h"

#include <fcntl.h>
#include <stdio.h>

int main(int count, char **arguments)
{
    struct hf_error error = {0};
    if (count != 4)
        return 2;
    struct container_spec c = {.apparmor_profile = arguments[2], .selinux_label = arguments[3]};
    int proc = open(arguments[1], O_PATH | O_DIRECTORY);
    if (label_program(proc, &c, &error) < 0)
        printf("%s %s\n", error.stage, error.path);
    else
        printf("set\n");
    return 0;
}
