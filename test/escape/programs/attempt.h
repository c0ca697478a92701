/* One attempt: 0 when it got through, -1 with errno when it was refused. Each runs in a child of its own. */
#ifndef ATTEMPT_H
#define ATTEMPT_H

struct attempt {
    const char *name;
    int (*make)(void);
};

extern const struct attempt calls[], files[], namespaces[];

/* Writes a text into an existing file. */
int write_text(const char *path, const char *text);

#endif
