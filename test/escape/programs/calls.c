/* System calls that lead to the kernel's own inside, or to what all of the node shares. */
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As call() but for results that are a descriptor or a count. */
static int made(long result)
{
    return result < 0 ? -1 : 0;
}

/* Garbage: a kernel that takes modules from us says ENOEXEC, and no harm is done. */
static int load_module(void)
{
    char garbage[64] = "no module";
    return made(syscall(SYS_init_module, garbage, sizeof garbage, ""));
}

static int load_bpf(void)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = attr.value_size = 4;
    attr.max_entries = 1;
    return made(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
}

static int watch_whole_node(void)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_CPU_CLOCK};
    return made(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0));
}

static int hold_page_faults(void)
{
    return made(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int make_uring(void)
{
    struct io_uring_params params = {0};
    return made(syscall(SYS_io_uring_setup, 4, &params));
}

static int read_kernel_log(void)
{
    char text[256];
    return made(klogctl(3, text, sizeof text));
}

static int open_raw_socket(void)
{
    return made(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int open_packet_socket(void)
{
    return made(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
}

static int add_key(void)
{
    return made(syscall(SYS_add_key, "user", "holdfast-escape", "x", (size_t)1, KEY_SPEC_USER_KEYRING));
}

/* Another pod added it to the keyring of its user. */
static int find_key(void)
{
    return made(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", "holdfast-escape", 0));
}

/* Types into a terminal of its own, as it would into one it shared with an operator (CVE-2017-5226). */
static int inject_into_terminal(void)
{
    char path[32];
    int unlock = 0, number = 0;
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 || ioctl(master, TIOCGPTN, &number) < 0 || setsid() < 0)
        return -1;
    snprintf(path, sizeof path, "/dev/pts/%d", number);
    int terminal = open(path, O_RDWR | O_CLOEXEC);
    return terminal < 0 ? -1 : ioctl(terminal, TIOCSTI, "x");
}

/* The 32-bit door: a filter that looks at 64-bit numbers only takes mount (21) for access. */
static int mount_by_32_bit_call(void)
{
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(21), "b"(0), "c"(0), "d"(0), "S"(0), "D"(0) : "memory");
    errno = (int)-result;
    return -1;
#else
    errno = ENOSYS;
    return -1;
#endif
}

const struct attempt calls[] = {
    {"load-module", load_module},
    {"load-bpf", load_bpf},
    {"watch-whole-node", watch_whole_node},
    {"hold-page-faults", hold_page_faults},
    {"make-uring", make_uring},
    {"read-kernel-log", read_kernel_log},
    {"open-raw-socket", open_raw_socket},
    {"open-packet-socket", open_packet_socket},
    {"add-key", add_key},
    {"find-key", find_key},
    {"inject-into-terminal", inject_into_terminal},
    {"mount-by-32-bit-call", mount_by_32_bit_call},
    {0, 0},
};
