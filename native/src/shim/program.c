#include "kernel.h"
#include "shim.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static const char DEFAULT_PATH[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

int make_cwd(int root, const char *cwd, struct hf_error *error)
{
    int dir = open_inside(root, cwd, O_PATH | O_DIRECTORY);
    if (dir < 0 && errno != ENOENT)
        return fail(error, "open working directory", cwd);
    if (dir < 0 && (dir = make_inside(root, cwd, 1, error)) < 0)
        return -1;
    return close(dir);
}

int enter_cwd(const char *cwd, struct hf_error *error)
{
    char actual[PATH_MAX];
    if (chdir(cwd) < 0)
        return fail(error, "enter working directory", cwd);
    /* The kernel answers "(unreachable)/..." for a directory outside the root. */
    errno = EPERM;
    if (syscall(SYS_getcwd, actual, sizeof actual) < 0 || actual[0] != '/')
        return fail(error, "check working directory", cwd);
    return 0;
}

static const char *search_path(const struct texts *env)
{
    for (uint32_t i = 0; i < env->count; i++)
        if (strncmp(env->items[i], "PATH=", 5) == 0)
            return env->items[i] + 5;
    return DEFAULT_PATH;
}

/* Tries a file: 0 when it is the one, -1 with errno when it is not. Does not return from an execve that works. */
typedef int try_fn(const char *file, const struct container_spec *c);

static int exec_at(const char *file, const struct container_spec *c)
{
    return execve(file, (char *const *)c->args.items, (char *const *)c->env.items);
}

static int find_at(const char *file, const struct container_spec *c)
{
    struct stat about;
    (void)c;
    if (stat(file, &about) < 0)
        return -1;
    errno = EACCES;
    return S_ISREG(about.st_mode) && about.st_mode & 0111 ? 0 : -1;
}

/* Leaves in errno what to report: a refusal in one directory weighs more than an absence in the others. */
static int try_by_search(const char *name, const struct container_spec *c, try_fn *try)
{
    char file[PATH_MAX];
    size_t name_length = strlen(name);
    int refused = 0;
    for (const char *at = search_path(&c->env); at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
        size_t length = strcspn(at, ":");
        if (length == 0 || length + 1 + name_length >= sizeof file)
            continue;
        memcpy(file, at, length);
        file[length] = '/';
        memcpy(file + length + 1, name, name_length + 1);
        if (try(file, c) == 0)
            return 0;
        if (errno != ENOENT && errno != ENOTDIR)
            refused = errno;
    }
    errno = refused ? refused : ENOENT;
    return -1;
}

static int try_program(const struct container_spec *c, try_fn *try)
{
    const char *name = c->args.items[0];
    if (name[0] == '\0') {
        errno = ENOENT;
        return -1;
    }
    return strchr(name, '/') ? try(name, c) : try_by_search(name, c, try);
}

int find_program(const struct container_spec *c, struct hf_error *error)
{
    return try_program(c, find_at) < 0 ? fail(error, "find program", c->args.items[0]) : 0;
}

int exec_program(const struct container_spec *c, struct hf_error *error)
{
    try_program(c, exec_at);
    return fail(error, "execve", c->args.items[0]);
}
