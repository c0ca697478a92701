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

int await_go(const struct bundle_ends *ends, struct hf_error *error)
{
    char go;
    ssize_t got = read(ends->go[0], &go, 1);
    if (got == 1)
        return 0;
    errno = got < 0 ? errno : ECANCELED;
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

static int tell_ready(const struct bundle_ends *ends, struct hf_error *error)
{
    static const struct hf_error none = {0};
    return write(ends->error[1], &none, sizeof none) < 0 ? fail(error, "tell the runtime", NULL) : 0;
}

/* From here on failures are told to whoever asked for the start. */
static int await_start(struct bundle_ends *ends, struct hf_error *error)
{
    int asked;
    do
        asked = accept4(ends->listener, NULL, NULL, SOCK_CLOEXEC);
    while (asked < 0 && errno == EINTR);
    if (asked < 0)
        return fail(error, "wait for start", NULL);
    close(ends->error[1]);
    ends->error[1] = asked;
    close(ends->listener);
    return 0;
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
    if (keep_descriptors(bundle, ends, error) < 0 || enter_cwd(c->cwd, error) < 0 || set_limits(c, error) < 0)
        return -1;
    /* Engines tell a missing program from other failures of the creation. */
    if (!(bundle->flags & BUNDLE_NEVER_STARTED) && find_program(c, error) < 0)
        return -1;
    if (confine_early(bundle, error) < 0 || tell_ready(ends, error) < 0 || await_start(ends, error) < 0)
        return -1;
    return confine_late(bundle, error) < 0 ? -1 : exec_program(c, error);
}
