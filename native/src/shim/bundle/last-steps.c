#include "bundle.h"
#include "kernel.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { FIRST_FD = 3, HIGH_FD = 200 };

void give_away_streams(const struct container_spec *c)
{
    struct stat about;
    for (int fd = 0; fd <= 2; fd++)
        if (c->uid != 0 && fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode))
            (void)!fchown(fd, c->uid, c->gid);
}

/* Moves a descriptor out of the way of the places to be filled. */
static int lift(int *fd, struct hf_error *error)
{
    if (*fd < 0)
        return 0;
    int lifted = fcntl(*fd, F_DUPFD_CLOEXEC, HIGH_FD);
    /* The error pipe must stay, to tell of this. */
    if (lifted < 0)
        return fail(error, "keep descriptors", NULL);
    *fd = lifted;
    return 0;
}

int keep_descriptors(const struct bundle_spec *b, struct bundle_ends *ends, struct hf_error *error)
{
    int next = FIRST_FD;
    int *const own[] = {&ends->error[1], &ends->listener};
    if (lift(own[0], error) < 0 || lift(own[1], error) < 0)
        return -1;
    for (uint32_t i = 0; i < b->preserved_count; i++, next++)
        if (dup2(PRESERVED_FD + (int)i, next) < 0)
            return fail(error, "preserve descriptors", NULL);
    for (int i = 0; i < 2; i++) {
        if (*own[i] >= 0 && dup3(*own[i], next, O_CLOEXEC) < 0)
            return fail(error, "keep descriptors", NULL);
        *own[i] = *own[i] < 0 ? -1 : next++;
    }
    return syscall(SYS_close_range, (unsigned)next, ~0u, 0u) < 0 ? fail(error, "close descriptors", NULL) : 0;
}

/*
 * Without no_new_privs the filter is set by root, and a filter may refuse what comes between: it is set last, and before
 * the identity. With no_new_privs it is the very last.
 */
int confine_early(const struct bundle_spec *b, struct hf_error *error)
{
    if (b->personality != SAME_PERSONALITY && syscall(SYS_personality, b->personality) < 0)
        return fail(error, "set personality", NULL);
    return b->flags & NO_NEW_PRIVILEGES ? take_bundle_identity(b, error) : 0;
}

int confine_late(const struct bundle_spec *b, struct hf_error *error)
{
    const struct container_spec *c = &b->container;
    int last = (b->flags & NO_NEW_PRIVILEGES) != 0;
    if (!last && (install_filter(c, error) < 0 || take_bundle_identity(b, error) < 0))
        return -1;
    umask((mode_t)c->umask);
    if (unblock_signals(error) < 0)
        return -1;
    if (last && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail(error, "set no_new_privs", NULL);
    return last ? install_filter(c, error) : 0;
}

int exec_confined(const struct bundle_spec *b, struct hf_error *error)
{
    if (confine_early(b, error) < 0 || confine_late(b, error) < 0)
        return -1;
    return exec_program(&b->container, error);
}
