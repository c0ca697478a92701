/*
 * The shim: a small static program the agent spawns. In sandbox mode it makes a pod's namespaces and ends; in container
 * mode it starts one container, keeps its log, reaps it and records its exit, whatever becomes of the agent; in exec mode
 * it starts a process in a running container and carries its streams, and ends it when the agent hangs up.
 * For an OCI runtime (bundle.h) it creates a container, runs a process in one, or runs a hook among its namespaces.
 * Descriptor 3 is the launch spec, 4 the report socket, 5 this program itself (native/src/shim.c).
 */
#include "bundle/bundle.h"
#include "kernel.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { SPEC_FD = 3, REPORT_FD = 4, PROGRAM_FD = 5 };

static int map_spec(struct spec_memory *mapped, struct hf_error *error)
{
    struct stat about;
    if (fstat(SPEC_FD, &about) < 0)
        return fail(error, "read spec", NULL);
    size_t size = (size_t)about.st_size, arena_size = spec_arena_bytes(size);
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, SPEC_FD, 0);
    void *arena = mmap(NULL, arena_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED || arena == MAP_FAILED)
        return fail(error, "map spec", NULL);
    close(SPEC_FD);
    *mapped = (struct spec_memory){bytes, arena, size, arena_size};
    return 0;
}

static int detach_from_agent(struct hf_error *error)
{
    umask(077);
    if (setsid() < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NAME, "holdfast-shim") < 0)
        return fail(error, "detach from agent", NULL);
    return 0;
}

/* Born in its v2 group, of a parent that is gone: the agent's death is none of its business. */
static int run_detached(struct spec *spec, struct hf_error *error)
{
    if (detach_from_agent(error) < 0) {
        report_failed(REPORT_FD, error);
        return 1;
    }
    switch (spec->mode) {
    case MODE_SANDBOX:
        return run_sandbox(spec, REPORT_FD);
    case MODE_CONTAINER:
        return run_container(spec, REPORT_FD);
    default:
        return run_exec(spec, REPORT_FD);
    }
}

static int settle(struct hf_error *error)
{
    sigset_t all;
    sigfillset(&all);
    close(PROGRAM_FD);
    if (sigprocmask(SIG_SETMASK, &all, NULL) < 0 || fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) < 0 || chdir("/") < 0)
        return fail(error, "settle", NULL);
    return 0;
}

/* Started by an OCI runtime, as a child of its own that it waits for. */
static int run_for_runtime(struct bundle_specs *specs)
{
    struct hf_error error = {0};
    if (prctl(PR_SET_DUMPABLE, 0) < 0) {
        fail(&error, "protect shim", NULL);
        report_failed(REPORT_FD, &error);
        return 1;
    }
    switch (specs->mode) {
    case MODE_VISIT:
        return run_visit(&specs->visit, REPORT_FD);
    case MODE_BUNDLE_EXEC:
        return run_bundle_exec(&specs->bundle, REPORT_FD);
    default:
        return run_bundle(&specs->bundle, REPORT_FD);
    }
}

int main(void)
{
    struct spec spec;
    struct bundle_specs bundle_specs;
    struct spec_memory m;
    struct hf_error error = {0};
    if (settle(&error) < 0 || map_spec(&m, &error) < 0) {
        report_failed(REPORT_FD, &error);
        return 1;
    }
    if (bundle_decode(&bundle_specs, m.bytes, m.size, m.arena, m.arena_size) == 0)
        return run_for_runtime(&bundle_specs);
    if (spec_decode(&spec, m.bytes, m.size, m.arena, m.arena_size) < 0) {
        errno = EBADMSG;
        note_failure(&error, "decode spec", NULL);
        report_failed(REPORT_FD, &error);
        return 1;
    }
    spec.memory = m;
    return run_detached(&spec, &error);
}
