/* Calls the library as Node does, under the sanitizers. Ends with status 0 when every call does what the header says. */
#include "holdfast.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
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
    expect(hf_abi_size("hf_project_usage") == sizeof(struct hf_project_usage), "size of hf_project_usage");
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
    expect(hf_shim_spawn(shim, NULL, "", 0, &error) >= 0, "spawn with an empty spec");
    int report_fd = hf_shim_spawn(shim, NULL, "nonsense", 8, &error);
    struct hf_report report;
    expect(report_fd >= 0, "spawn with a broken spec");
    expect(read(report_fd, &report, sizeof report) == sizeof report, "a report");
    expect(report.magic == HF_REPORT_MAGIC && report.pid == 0, "a report of failure");
    expect(strcmp(report.error.stage, "decode spec") == 0 && report.error.errnum == EBADMSG, "the stage that failed");
    expect(read(report_fd, &report, 1) == 0, "nothing after the report");
    expect(hf_shim_spawn(STDERR_FILENO, NULL, "", 0, &error) < 0, "spawn of what is no program");
    expect(strcmp(error.stage, "spawn shim") == 0, "the stage that failed");
    expect(hf_shim_spawn(shim, "/not/there", "", 0, &error) == -ENOENT, "spawn in a group that is not there");
    expect(hf_shim_spawn(shim, "/tmp", "", 0, &error) == -EBADF, "spawn in what is no group");
    expect(strcmp(error.stage, "clone shim") == 0, "the stage that failed");
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

struct link_question {
    struct nlmsghdr header;
    struct ifinfomsg link;
    struct nlattr name;
    char text[12];
};

static int32_t ask_for_link(int32_t socket_fd, const char *name, void *answer, size_t size, struct hf_error *error)
{
    struct link_question question = {
        .header = {.nlmsg_len = sizeof question, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK, .nlmsg_seq = 1},
        .name = {.nla_len = sizeof(struct nlattr) + sizeof question.text, .nla_type = IFLA_IFNAME},
    };
    snprintf(question.text, sizeof question.text, "%s", name);
    return hf_net_talk(socket_fd, "find link", &question, sizeof question, answer, size, error);
}

static void check_netlink(void)
{
    struct hf_error error;
    char answer[8192];
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int32_t there = hf_net_socket(own, NETLINK_ROUTE, &error), here = hf_net_socket(-1, NETLINK_ROUTE, &error);
    expect(there >= 0 && here >= 0, "sockets of this namespace, gone to or not");
    expect(hf_net_socket(nothing, NETLINK_ROUTE, &error) == -EINVAL, "what is no namespace");
    expect(strcmp(error.stage, "enter network namespace") == 0, "the stage that failed");
    expect(hf_net_socket(-1, 9999, NULL) < 0, "no such protocol");
    expect(ask_for_link(there, "lo", answer, sizeof answer, &error) > 0, "an answer");
    expect(((struct nlmsghdr *)(void *)answer)->nlmsg_type == RTM_NEWLINK, "an answer about a link");
    expect(ask_for_link(here, "nothing", answer, sizeof answer, &error) == -ENODEV, "no such link");
    expect(strcmp(error.stage, "find link") == 0, "the stage given");
    expect(ask_for_link(there, "lo", answer, 16, &error) == -ENOBUFS, "an answer that does not fit");
    memset(answer, 0xff, sizeof answer);
    expect(hf_net_talk(here, "say", answer, 16, answer, 16, &error) == -EINVAL, "a length beyond the end");
    expect(hf_net_talk(here, "say", answer, 3, answer, 16, &error) == -EINVAL, "less than a header");
    expect(hf_net_talk(here, "say", NULL, 0, answer, 16, &error) == -EINVAL, "nothing to say");
}

static void check_sysctl(void)
{
    struct hf_error error;
    char before[8];
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const char *name = "ipv4/ip_forward";
    expect(hf_net_sysctl(own, name, NULL, before, sizeof before, &error) == 0, "read a setting");
    expect((before[0] == '0' || before[0] == '1') && before[1] == '\0', "the value without its line end");
    expect(hf_net_sysctl(-1, name, before, before, sizeof before, &error) == 0, "set what is set");
    expect(hf_net_sysctl(-1, "not/there", NULL, before, sizeof before, &error) == -ENOENT, "no such setting");
    expect(hf_net_sysctl(-1, "../kernel/domainname", NULL, before, sizeof before, &error) == -EINVAL, "another's");
    expect(hf_net_sysctl(-1, name, NULL, before, 1, NULL) == -EINVAL, "no room for a value");
}

/* Quotas themselves need a file system that has them: the machines of test/vm/kernel have one. */
static void check_projects(void)
{
    struct hf_error error;
    struct hf_project_usage usage;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    expect(hf_project_support(proc, &error) == HF_PROJECT_NONE, "a file system without projects");
    expect(hf_project_get(proc, &error) == -ENOTTY && strcmp(error.stage, "read project") == 0, "no project to read");
    expect(hf_project_set(proc, 7, &error) == -ENOTTY && strcmp(error.stage, "read project") == 0, "no project to set");
    expect(hf_project_usage(proc, 7, &usage, &error) == -ENOSYS, "nothing counted");
    expect(strcmp(error.stage, "read quota") == 0, "the stage that failed");
    expect(hf_project_limit(proc, 7, 1, &error) == -ENOSYS && strcmp(error.stage, "set quota") == 0, "nothing bounded");
    expect(hf_project_support(-1, NULL) == -EBADF, "no file system");
}

int main(int argc, char **argv)
{
    expect(argc == 2, "usage: library-check SHIM");
    check_layout();
    check_shim(argv[1]);
    check_signal(own_start_time());
    check_netlink();
    check_sysctl();
    check_projects();
    return 0;
}
