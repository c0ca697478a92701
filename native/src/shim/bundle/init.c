#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Kept from here on, beside the standard streams: where failures are told, and where the start is asked for. */
enum { ERROR_FD = 3, LISTENER_FD = 4, FIRST_UNUSED_FD = 5, HIGH_FD = 200 };

static int await_go(const struct bundle_ends *ends, struct hf_error *error)
{
    char go;
    if (read(ends->go[0], &go, 1) == 1)
        return 0;
    errno = ECANCELED;
    return fail(error, "wait for the runtime", NULL);
}

static int set_sysctls(const struct texts *sysctls, struct hf_error *error)
{
    char path[PATH_MAX];
    for (uint32_t i = 0; i < sysctls->count; i += 2) {
        snprintf(path, sizeof path, "/proc/sys/%s", sysctls->items[i]);
        if (write_file(AT_FDCWD, path, sysctls->items[i + 1]) < 0)
            return fail(error, "set sysctl", sysctls->items[i]);
    }
    return 0;
}

static int set_up_namespaces(const struct bundle_spec *b, struct hf_error *error)
{
    if (has_namespace(b, CLONE_NEWUSER) && become_root_of_pod(error) < 0)
        return -1;
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setsid() < 0)
        return fail(error, "start session", NULL);
    if (leave_keyring(error) < 0)
        return -1;
    if (has_new_namespace(b, CLONE_NEWNET) && raise_loopback(error) < 0)
        return -1;
    if (b->hostname[0] != '\0' && syscall(SYS_sethostname, b->hostname, strlen(b->hostname)) < 0)
        return fail(error, "sethostname", b->hostname);
    if (b->domainname[0] != '\0' && syscall(SYS_setdomainname, b->domainname, strlen(b->domainname)) < 0)
        return fail(error, "setdomainname", b->domainname);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(error, "make mounts private", "/");
    return set_sysctls(&b->sysctls, error);
}

/* Returns the root, an O_PATH descriptor. */
static int make_root(struct bundle_spec *b, const struct bundle_ends *ends, struct hf_error *error)
{
    if (make_bundle_fs(b, error) < 0 || pivot_into(ends->root, error) < 0)
        return -1;
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(error, "open root", "/");
    if (attach_bundle_mounts(root, b, error) < 0 || fill_bundle_dev(root, b, error) < 0)
        return -1;
    return root;
}

/* The container's user may open its streams anew (/dev/stdout) only when the pipes are its own. */
static void give_away_streams(const struct container_spec *c)
{
    struct stat about;
    for (int fd = 0; fd <= 2; fd++)
        if (c->uid != 0 && fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode))
            (void)!fchown(fd, c->uid, c->gid);
}

static int keep_descriptors(struct bundle_ends *ends, struct hf_error *error)
{
    int failure = fcntl(ends->error[1], F_DUPFD_CLOEXEC, HIGH_FD);
    int listener = fcntl(ends->listener, F_DUPFD_CLOEXEC, HIGH_FD);
    if (failure < 0 || listener < 0 || dup3(failure, ERROR_FD, O_CLOEXEC) < 0 ||
        dup3(listener, LISTENER_FD, O_CLOEXEC) < 0)
        return fail(error, "keep descriptors", NULL);
    ends->error[1] = ERROR_FD;
    ends->listener = LISTENER_FD;
    return syscall(SYS_close_range, FIRST_UNUSED_FD, ~0u, 0u) < 0 ? fail(error, "close descriptors", NULL) : 0;
}

static int tell_ready(const struct bundle_ends *ends, struct hf_error *error)
{
    static const struct hf_error none = {0};
    return write(ends->error[1], &none, sizeof none) < 0 ? fail(error, "tell the runtime", NULL) : 0;
}

/* From here on failures are told to whoever asked for the start. */
static int await_start(const struct bundle_ends *ends, struct hf_error *error)
{
    int asked;
    do
        asked = accept4(ends->listener, NULL, NULL, SOCK_CLOEXEC);
    while (asked < 0 && errno == EINTR);
    if (asked < 0 || dup3(asked, ERROR_FD, O_CLOEXEC) < 0)
        return fail(error, "wait for start", NULL);
    close(asked);
    close(ends->listener);
    return 0;
}

static int wait_and_exec(const struct bundle_spec *b, const struct bundle_ends *ends, struct hf_error *error)
{
    const struct container_spec *c = &b->container;
    sigset_t none;
    sigemptyset(&none);
    int last = (b->flags & NO_NEW_PRIVILEGES) != 0;
    /* Without no_new_privs the filter is set by root, and a filter may refuse what the wait needs. */
    if (last && take_bundle_identity(b, error) < 0)
        return -1;
    if (tell_ready(ends, error) < 0 || await_start(ends, error) < 0)
        return -1;
    if (!last && (install_filter(c, error) < 0 || take_bundle_identity(b, error) < 0))
        return -1;
    umask((mode_t)c->umask);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (last && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail(error, "set no_new_privs", NULL);
    return last && install_filter(c, error) < 0 ? -1 : exec_program(c, error);
}

int become_bundle(struct bundle_spec *bundle, struct bundle_ends *ends, struct hf_error *error)
{
    const struct container_spec *c = &bundle->container;
    umask(022);
    if (await_go(ends, error) < 0 || set_up_namespaces(bundle, error) < 0)
        return -1;
    if (tell_ready(ends, error) < 0 || await_go(ends, error) < 0 || label_from_node(c, error) < 0)
        return -1;
    int root = make_root(bundle, ends, error);
    if (root < 0 || (ends->console >= 0 && open_console(root, bundle, ends->console, error) < 0))
        return -1;
    give_away_streams(c);
    if (make_cwd(root, c->cwd, error) < 0 || finish_bundle_root(root, bundle, error) < 0)
        return -1;
    if (keep_descriptors(ends, error) < 0 || enter_cwd(c->cwd, error) < 0 || set_limits(c, error) < 0)
        return -1;
    return wait_and_exec(bundle, ends, error);
}
