#include "bundle.h"
#include "kernel.h"

#include <sys/ioctl.h>

static int open_other_side(int master, const struct bundle_spec *b, struct hf_error *error)
{
    int unlocked = 0;
    struct winsize size = {.ws_row = (unsigned short)b->rows, .ws_col = (unsigned short)b->columns};
    if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
        return fail(error, "unlock terminal", NULL);
    if (b->rows > 0 && ioctl(master, TIOCSWINSZ, &size) < 0)
        return fail(error, "size terminal", NULL);
    /* Through the descriptor and not by name: what lies at that name is the container's business. */
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || fchown(slave, b->container.uid, (gid_t)-1) < 0)
        return fail(error, "open terminal", NULL);
    return slave;
}

static int show_as_console(int root, int slave, struct hf_error *error)
{
    int target = make_path(root, "/dev/console", 0, error);
    int terminal = target < 0 ? -1 : sys_clone_tree(slave, "", 0);
    if (terminal < 0)
        return fail(error, "show terminal", "/dev/console");
    return attach(terminal, target, "/dev/console", error);
}

int open_console(int root, const struct bundle_spec *bundle, int socket, struct hf_error *error)
{
    int master = open_strict(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
    if (master < 0)
        return fail(error, "open terminal", "/dev/pts/ptmx");
    int slave = open_other_side(master, bundle, error);
    if (slave < 0 || show_as_console(root, slave, error) < 0 || send_descriptor(socket, master, error) < 0)
        return -1;
    if (dup2(slave, 0) < 0 || dup2(slave, 1) < 0 || dup2(slave, 2) < 0 || ioctl(0, TIOCSCTTY, 0) < 0)
        return fail(error, "connect terminal", NULL);
    close(slave);
    return close(master);
}
