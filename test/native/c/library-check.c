/* Calls the library as Node does, under the sanitizers. Ends with status 0 when every call does what the header says. */
#include "holdfast.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    exit(1);
}

static void check_layout(void)
{
    expect(hf_abi_size("hf_error") == sizeof(struct hf_error), "size of hf_error");
    expect(hf_abi_size("hf_report") == sizeof(struct hf_report), "size of hf_report");
    expect(hf_abi_size("nothing") == -ENOENT, "no size of what is not there");
}

static void check_shim(const char *program)
{
    struct hf_error error;
    char missing[600];
    memset(missing, 'x', sizeof missing - 1);
    missing[sizeof missing - 1] = '\0';
    expect(hf_shim_load(missing, &error) == -ENAMETOOLONG && error.errnum == ENAMETOOLONG, "load of a path too long");
    expect(strlen(error.path) == HF_PATH_MAX - 1 && strcmp(error.stage, "open shim") == 0, "path cut, stage named");
    expect(hf_shim_load("/not/there", NULL) == -ENOENT, "load without an error struct");
    int shim = hf_shim_load(program, &error);
    expect(shim >= 0, "load");
    expect(write(shim, "x", 1) < 0 && errno == EPERM, "a loaded shim is sealed");
    expect(hf_shim_spawn(shim, "", 0, &error) >= 0, "spawn with an empty spec");
    int report_fd = hf_shim_spawn(shim, "nonsense", 8, &error);
    struct hf_report report;
    expect(report_fd >= 0, "spawn with a broken spec");
    expect(read(report_fd, &report, sizeof report) == sizeof report, "a report");
    expect(report.magic == HF_REPORT_MAGIC && report.pid == 0, "a report of failure");
    expect(strcmp(report.error.stage, "decode spec") == 0 && report.error.errnum == EBADMSG, "the stage that failed");
    expect(read(report_fd, &report, 1) == 0, "nothing after the report");
    expect(hf_shim_spawn(STDERR_FILENO, "", 0, &error) < 0, "spawn of what is no program");
}

/* Field 22 of /proc/self/stat; this program's name has no space. */
static uint64_t own_start_time(void)
{
    unsigned long long ticks = 0;
    FILE *file = fopen("/proc/self/stat", "r");
    expect(file != NULL, "open /proc/self/stat");
    for (int field = 1; field < 22; field++)
        expect(fscanf(file, "%*s") == 0, "read /proc/self/stat");
    expect(fscanf(file, "%llu", &ticks) == 1, "read the start time");
    fclose(file);
    return ticks;
}

static void check_signal(uint64_t known_start_time)
{
    struct hf_error error;
    expect(hf_process_signal(getpid(), known_start_time + 1, SIGKILL, &error) == -ESRCH, "another start time");
    expect(hf_process_signal(getpid(), known_start_time, 0, &error) == 0, "the right start time");
    expect(hf_process_signal(1 << 22, 1, SIGKILL, &error) == -ESRCH, "no such process");
    expect(hf_process_signal(getpid(), known_start_time, 9999, &error) == -EINVAL, "no such signal");
}

int main(int argc, char **argv)
{
    expect(argc == 2, "usage: library-check SHIM");
    check_layout();
    check_shim(argv[1]);
    check_signal(own_start_time());
    return 0;
}
