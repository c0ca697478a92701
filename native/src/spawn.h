/* Starting a program as a process that belongs to nobody, from a process of many threads and much memory. */
#ifndef HF_SPAWN_H
#define HF_SPAWN_H

enum { SPAWN_FDS = 2 };

struct spawned {
    /* Open for reading or as O_PATH; run by its descriptor. */
    int program;
    const char *name;
    /* Given to it as 3 and on; 0 to 2 are /dev/null, and it has no other. */
    int fds[SPAWN_FDS];
    /* Directory of the v2 cgroup it is born in, or -1 for this process's own. */
    int group;
};

/* Runs it without arguments or environment, its signals as by default. Returns 0, or an errno with the stage that failed. */
int spawn_lost(const struct spawned *what, const char **stage);

#endif
