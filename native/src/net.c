#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* How long the kernel may take to answer, as when somebody else holds its lock on links. */
enum { ANSWER_SECONDS = 20 };

/* A ruleset is sent in one datagram; this is room for that of some ten thousand pods. */
enum { LARGEST_BATCH = 16 << 20 };

/* Something to do in another network namespace. Returns a descriptor or 0, or -errno with the error filled. */
struct visit {
    int32_t namespace_fd;
    int32_t (*task)(const struct visit *visit);
    int32_t protocol;
    const char *name;
    const char *value;
    char *before;
    size_t before_size;
    const char *stage;
    const void *messages;
    size_t bytes;
    void *answer;
    size_t answer_size;
    struct hf_error *error;
    int32_t result;
};

static void *visit_namespace(void *argument)
{
    struct visit *visit = argument;
    if (setns(visit->namespace_fd, CLONE_NEWNET) < 0)
        visit->result = hf_fail(visit->error, errno, "enter network namespace", NULL);
    else
        visit->result = visit->task(visit);
    return NULL;
}

/* A thread of its own goes there and ends there, so that the caller's can never be left in the wrong place. */
static int32_t in_namespace(struct visit *visit)
{
    pthread_t thread;
    sigset_t all, before;
    if (visit->namespace_fd < 0)
        return visit->task(visit);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, NULL, visit_namespace, visit);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return hf_fail(visit->error, failed, "start thread", NULL);
    pthread_join(thread, NULL);
    return visit->result;
}

static int32_t open_socket(const struct visit *visit)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, visit->protocol);
    if (fd < 0)
        return hf_fail(visit->error, errno, "open netlink socket", NULL);
    const int yes = 1, room = LARGEST_BATCH;
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof yes) < 0 ||
        setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof yes) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0) {
        int errnum = errno;
        close(fd);
        return hf_fail(visit->error, errnum, "prepare netlink socket", NULL);
    }
    return fd;
}

HF_API int32_t hf_net_socket(int32_t namespace_fd, int32_t protocol, struct hf_error *error)
{
    struct visit visit = {
        .namespace_fd = namespace_fd, .task = open_socket, .protocol = protocol, .error = error};
    return in_namespace(&visit);
}

/* Reads a setting without its line end. Returns -errno. */
static int32_t read_setting(int fd, char *text, size_t size)
{
    ssize_t got = pread(fd, text, size - 1, 0);
    if (got < 0)
        return -errno;
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return 0;
}

static int32_t set_sysctl(const struct visit *visit)
{
    char path[HF_PATH_MAX];
    int length = snprintf(path, sizeof path, "/proc/sys/net/%s", visit->name);
    if (length < 0 || (size_t)length >= sizeof path)
        return hf_fail(visit->error, ENAMETOOLONG, "set sysctl", visit->name);
    int fd = open(path, (visit->value ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0)
        return hf_fail(visit->error, errno, "open sysctl", path);
    int32_t failed = read_setting(fd, visit->before, visit->before_size);
    if (failed == 0 && visit->value && strcmp(visit->before, visit->value) != 0 &&
        pwrite(fd, visit->value, strlen(visit->value), 0) < 0)
        failed = -errno;
    close(fd);
    return failed < 0 ? hf_fail(visit->error, -failed, "set sysctl", path) : 0;
}

HF_API int32_t hf_net_sysctl(int32_t namespace_fd, const char *name, const char *value, char *before,
                             size_t before_size, struct hf_error *error)
{
    if (before_size < 2 || strstr(name, ".."))
        return hf_fail(error, EINVAL, "set sysctl", name);
    struct visit visit = {
        .namespace_fd = namespace_fd,
        .task = set_sysctl,
        .name = name,
        .value = value,
        .before = before,
        .before_size = before_size,
        .error = error,
    };
    return in_namespace(&visit);
}

/* What has been received of the kernel's answers. */
struct answers {
    uint32_t last_sequence;
    char *kept;
    size_t kept_size, kept_bytes;
    int is_complete;
};

/* The last message that asks for an answer is the last one to get it. 0 when there is none or a length is wrong. */
static uint32_t last_answered(const char *messages, size_t bytes)
{
    uint32_t sequence = 0;
    struct nlmsghdr header;
    for (size_t at = 0; at < bytes; at += NLMSG_ALIGN(header.nlmsg_len)) {
        if (bytes - at < sizeof header)
            return 0;
        memcpy(&header, messages + at, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes - at)
            return 0;
        if (header.nlmsg_flags & NLM_F_ACK)
            sequence = header.nlmsg_seq;
    }
    return sequence;
}

/* The kernel's own words on a failure (NLMSGERR_ATTR_MSG), or NULL. */
static const char *explanation(const struct nlmsghdr *header)
{
    enum { MESSAGE = 1, TYPE_MASK = 0x3fff };
    const struct nlmsgerr *failure = NLMSG_DATA(header);
    size_t skipped = NLMSG_LENGTH(sizeof *failure);
    if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
        return NULL;
    if (!(header->nlmsg_flags & NLM_F_CAPPED))
        skipped += NLMSG_ALIGN(failure->msg.nlmsg_len) - sizeof failure->msg;
    while (skipped + sizeof(struct nlattr) <= header->nlmsg_len) {
        const struct nlattr *attribute = (const void *)((const char *)header + skipped);
        if (attribute->nla_len < sizeof *attribute || attribute->nla_len > header->nlmsg_len - skipped)
            return NULL;
        const char *text = (const char *)(attribute + 1);
        size_t size = attribute->nla_len - sizeof *attribute;
        if ((attribute->nla_type & TYPE_MASK) == MESSAGE && size > 0 && text[size - 1] == '\0')
            return text;
        skipped += NLMSG_ALIGN(attribute->nla_len);
    }
    return NULL;
}

static int32_t take_answer(struct answers *answers, const struct nlmsghdr *header, const char *stage,
                           struct hf_error *error)
{
    /* A list ends with this one instead of an acknowledgement. */
    if (header->nlmsg_type == NLMSG_DONE) {
        if (header->nlmsg_seq == answers->last_sequence)
            answers->is_complete = 1;
        return 0;
    }
    if (header->nlmsg_type != NLMSG_ERROR) {
        size_t size = NLMSG_ALIGN(header->nlmsg_len);
        if (size > answers->kept_size - answers->kept_bytes)
            return hf_fail(error, ENOBUFS, stage, NULL);
        memcpy(answers->kept + answers->kept_bytes, header, header->nlmsg_len);
        answers->kept_bytes += size;
        return 0;
    }
    const struct nlmsgerr *failure = NLMSG_DATA(header);
    if (failure->error != 0)
        return hf_fail(error, -failure->error, stage, explanation(header));
    if (header->nlmsg_seq == answers->last_sequence)
        answers->is_complete = 1;
    return 0;
}

static int32_t receive_answers(int fd, struct answers *answers, const char *stage, struct hf_error *error)
{
    _Alignas(struct nlmsghdr) char buffer[16384];
    ssize_t got = recv(fd, buffer, sizeof buffer, MSG_TRUNC);
    if (got < 0)
        return errno == EINTR ? 0 : hf_fail(error, errno == EAGAIN ? ETIMEDOUT : errno, stage, NULL);
    if ((size_t)got > sizeof buffer)
        return hf_fail(error, ENOBUFS, stage, NULL);
    const struct nlmsghdr *header = (const void *)buffer;
    for (size_t left = (size_t)got; left >= sizeof *header && header->nlmsg_len >= sizeof *header &&
                                    header->nlmsg_len <= left && !answers->is_complete;) {
        int32_t failed = take_answer(answers, header, stage, error);
        if (failed < 0)
            return failed;
        size_t step = NLMSG_ALIGN(header->nlmsg_len);
        left = step < left ? left - step : 0;
        header = (const void *)((const char *)header + step);
    }
    return 0;
}

/* Sends what ends with a message that asks for an answer, and waits for that. Answers are added to what is kept. */
static int32_t converse(int fd, const char *stage, const void *messages, size_t bytes, struct answers *answers,
                        struct hf_error *error)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    answers->last_sequence = last_answered(messages, bytes);
    answers->is_complete = 0;
    if (answers->last_sequence == 0)
        return hf_fail(error, EINVAL, stage, NULL);
    if (sendto(fd, messages, bytes, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
        return hf_fail(error, errno, stage, NULL);
    while (!answers->is_complete) {
        int32_t failed = receive_answers(fd, answers, stage, error);
        if (failed < 0)
            return failed;
    }
    return 0;
}

HF_API int32_t hf_net_talk(int32_t socket_fd, const char *stage, const void *messages, size_t bytes, void *answer,
                           size_t answer_size, struct hf_error *error)
{
    struct answers answers = {.kept = answer, .kept_size = answer_size};
    int32_t failed = converse(socket_fd, stage, messages, bytes, &answers, error);
    return failed < 0 ? failed : (int32_t)answers.kept_bytes;
}

/* Only one list can be asked for at a time, so each message is a conversation of its own. */
static int32_t ask_in_turn(const struct visit *visit, int fd)
{
    struct answers answers = {.kept = visit->answer, .kept_size = visit->answer_size};
    struct nlmsghdr header;
    for (size_t at = 0; at < visit->bytes; at += NLMSG_ALIGN(header.nlmsg_len)) {
        const char *message = (const char *)visit->messages + at;
        if (visit->bytes - at < sizeof header)
            return hf_fail(visit->error, EINVAL, visit->stage, NULL);
        memcpy(&header, message, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > visit->bytes - at)
            return hf_fail(visit->error, EINVAL, visit->stage, NULL);
        int32_t failed = converse(fd, visit->stage, message, header.nlmsg_len, &answers, visit->error);
        if (failed < 0)
            return failed;
    }
    return (int32_t)answers.kept_bytes;
}

static int32_t open_and_ask(const struct visit *visit)
{
    int fd = open_socket(visit);
    if (fd < 0)
        return fd;
    int32_t result = ask_in_turn(visit, fd);
    close(fd);
    return result;
}

HF_API int32_t hf_net_visit(int32_t namespace_fd, int32_t protocol, const char *stage, const void *messages,
                            size_t bytes, void *answer, size_t answer_size, struct hf_error *error)
{
    struct visit visit = {
        .namespace_fd = namespace_fd,
        .task = open_and_ask,
        .protocol = protocol,
        .stage = stage,
        .messages = messages,
        .bytes = bytes,
        .answer = answer,
        .answer_size = answer_size,
        .error = error,
    };
    return in_namespace(&visit);
}
