#include "error.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_ARCHITECTURES 4
#define MAX_ARGS 6

/* arm's own calls have numbers from here on, x32's from 0x40000000: neither is a call newer than libseccomp. */
#define FIRST_PRIVATE_CALL 0xf0000
/* Numbers of all architectures together have grown to under 500. */
#define LAST_CANDIDATE 4095

/* The program is the code for unknown calls, then `refusals`, whose ALLOW goes on to `decisions`, whose word is final. */
struct hf_seccomp {
    scmp_filter_ctx refusals;
    scmp_filter_ctx decisions;
    uint32_t default_action;
    uint32_t architectures[MAX_ARCHITECTURES];
    size_t architecture_count;
};

static const uint32_t no_call = SCMP_ACT_ERRNO(ENOSYS);

/*
 * How a filter finds a call's rules. When one is installed the kernel runs it for every number there is, to remember
 * which are always allowed: by a list that takes three times as long as by a tree.
 */
enum { BINARY_TREE = 2 };

static scmp_filter_ctx new_filter(uint32_t default_action)
{
    scmp_filter_ctx filter = seccomp_init(default_action);
    if (filter && seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, no_call) == 0 &&
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, BINARY_TREE) == 0)
        return filter;
    if (filter)
        seccomp_release(filter);
    return NULL;
}

HF_API int32_t hf_seccomp_new(uint32_t default_action, struct hf_seccomp **made, struct hf_error *error)
{
    struct hf_seccomp *seccomp = calloc(1, sizeof *seccomp);
    if (!seccomp)
        return hf_fail(error, ENOMEM, "seccomp new", NULL);
    seccomp->default_action = default_action;
    seccomp->refusals = new_filter(SCMP_ACT_ALLOW);
    seccomp->decisions = new_filter(default_action);
    seccomp->architectures[seccomp->architecture_count++] = seccomp_arch_native();
    if (!seccomp->refusals || !seccomp->decisions) {
        hf_seccomp_free(seccomp);
        return hf_fail(error, EINVAL, "seccomp default action", NULL);
    }
    *made = seccomp;
    return 0;
}

HF_API void hf_seccomp_free(struct hf_seccomp *seccomp)
{
    if (seccomp->refusals)
        seccomp_release(seccomp->refusals);
    if (seccomp->decisions)
        seccomp_release(seccomp->decisions);
    free(seccomp);
}

HF_API int32_t hf_seccomp_architecture(struct hf_seccomp *seccomp, const char *name, struct hf_error *error)
{
    uint32_t token = seccomp_arch_resolve_name(name);
    if (token == 0)
        return hf_fail(error, EINVAL, "seccomp architecture", name);
    for (size_t i = 0; i < seccomp->architecture_count; i++)
        if (seccomp->architectures[i] == token)
            return 0;
    if (seccomp->architecture_count == MAX_ARCHITECTURES)
        return hf_fail(error, E2BIG, "seccomp architecture", name);
    int failed = seccomp_arch_add(seccomp->refusals, token);
    if (failed == 0)
        failed = seccomp_arch_add(seccomp->decisions, token);
    if (failed < 0)
        return hf_fail(error, -failed, "seccomp architecture", name);
    seccomp->architectures[seccomp->architecture_count++] = token;
    return 0;
}

static scmp_filter_ctx filter_of(const struct hf_seccomp *seccomp, uint32_t part)
{
    return part == HF_SECCOMP_REFUSE ? seccomp->refusals : seccomp->decisions;
}

HF_API int32_t hf_seccomp_rule(struct hf_seccomp *seccomp, uint32_t part, uint32_t action, const char *name,
                               const struct hf_seccomp_arg *args, uint32_t arg_count, struct hf_error *error)
{
    struct scmp_arg_cmp comparisons[MAX_ARGS];
    if (arg_count > MAX_ARGS)
        return hf_fail(error, EINVAL, "seccomp rule", name);
    for (uint32_t i = 0; i < arg_count; i++)
        comparisons[i] = (struct scmp_arg_cmp){
            .arg = args[i].index, .op = (enum scmp_compare)args[i].op, .datum_a = args[i].a, .datum_b = args[i].b};
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return 1;
    int failed = seccomp_rule_add_array(filter_of(seccomp, part), action, number, arg_count, comparisons);
    return failed < 0 && failed != -EEXIST ? hf_fail(error, -failed, "seccomp rule", name) : 0;
}

/* libseccomp before 2.6 writes to a file only. Returns the bytes, or -errno. */
static ssize_t export_filter(scmp_filter_ctx filter, void *to, size_t size)
{
    int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t result = seccomp_export_bpf(filter, fd);
    if (result == 0) {
        off_t length = lseek(fd, 0, SEEK_CUR);
        if (length < 0 || (size_t)length > size)
            result = length < 0 ? -errno : -E2BIG;
        else if ((result = pread(fd, to, (size_t)length, 0)) < 0)
            result = -errno;
    }
    close(fd);
    return result;
}

static uint32_t last_known_call(uint32_t architecture)
{
    uint32_t last = 0;
    for (int number = 0; number <= LAST_CANDIDATE; number++) {
        char *name = seccomp_syscall_resolve_num_arch(architecture, number);
        if (name)
            last = (uint32_t)number;
        free(name);
    }
    return last;
}

/* A call libseccomp does not know no profile can name: ENOSYS lets the program fall back to an older one. */
static size_t unknown_call_code(uint32_t architecture, struct sock_filter *to)
{
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last_known_call(architecture), 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_PRIVATE_CALL, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, no_call),
    };
    memcpy(to, code, sizeof code);
    return sizeof code / sizeof code[0];
}

static bool refuses_by_default(uint32_t action)
{
    return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
}

/* Where the refusals would allow, they go on to the instruction after them. */
static void continue_on_allow(struct sock_filter *code, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (code[i].code == (BPF_RET | BPF_K) && code[i].k == SECCOMP_RET_ALLOW)
            code[i] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(count - i - 1));
}

HF_API int64_t hf_seccomp_export(struct hf_seccomp *seccomp, void *program, size_t size, struct hf_error *error)
{
    struct sock_filter *code = program;
    const size_t room = size / sizeof *code;
    size_t used = 0;
    if (room < (size_t)6 * MAX_ARCHITECTURES)
        return hf_fail(error, E2BIG, "seccomp export", NULL);
    if (refuses_by_default(seccomp->default_action))
        for (size_t i = 0; i < seccomp->architecture_count; i++)
            used += unknown_call_code(seccomp->architectures[i], code + used);
    ssize_t got = export_filter(seccomp->refusals, code + used, (room - used) * sizeof *code);
    if (got < 0)
        return hf_fail(error, (int)-got, "seccomp export", NULL);
    continue_on_allow(code + used, (size_t)got / sizeof *code);
    used += (size_t)got / sizeof *code;
    got = export_filter(seccomp->decisions, code + used, (room - used) * sizeof *code);
    if (got < 0)
        return hf_fail(error, (int)-got, "seccomp export", NULL);
    used += (size_t)got / sizeof *code;
    return (int64_t)(used * sizeof *code);
}
