/* What an exec session and its agent say to each other (native/exec/frames.ts), and the parts that carry it. */
#ifndef HF_SHIM_SESSION_H
#define HF_SHIM_SESSION_H

#include "shim.h"

/* Each frame is a header and `length` bytes. Numbers are in the machine's byte order. */
struct frame_header {
    uint32_t kind, length;
};

/* From the agent: bytes for standard input, its end, two u32 (rows, columns), one u32 (a signal). */
enum { FRAME_INPUT = 1, FRAME_INPUT_END, FRAME_RESIZE, FRAME_SIGNAL };
/* To the agent: bytes of either output, one u32 (bytes of input taken), two i32 (exit status or -1, signal or 0). */
enum { FRAME_OUTPUT = 1, FRAME_ERRORS, FRAME_TAKEN, FRAME_EXIT };

enum {
    /* Input the agent may send ahead of what the program has taken. */
    INPUT_WINDOW = 65536,
    OUTPUT_MAX = 16384,
};

struct session_pipes {
    struct start_pipes start;
    /* Standard input; and the socket on which the pseudo-terminal's master comes, -1 without one. */
    int in[2], terminal[2];
};

/*
 * ---- enter.c: the process between the node and a running container. Ends in _exit, after a byte on `joined` when all went
 * well. `joined` lies in memory shared with the shim.
 */

_Noreturn void enter_and_start(struct spec *spec, struct session_pipes *pipes, struct joined *joined);

/* ---- terminal.c */

/* Makes a pseudo-terminal, `owner` being its user, and returns its master. */
int make_terminal(uid_t owner, uint32_t rows, uint32_t columns, int *terminal, struct hf_error *error);
/* Makes it the controlling terminal and the standard streams. */
int become_terminal(int terminal, struct hf_error *error);
/* Makes a pseudo-terminal in the container's devpts, sends its master on `channel` and makes it 0-2 of a new session. */
int take_terminal(const struct spec *spec, int channel, struct hf_error *error);
/* Returns the master, or -1. */
int receive_master(int channel, struct hf_error *error);
int resize_terminal(int master, uint32_t rows, uint32_t columns);

/* ---- session.c */

/* Carries input, output and signals until the program ends, then tells how. When the agent hangs up, kills it. */
void run_session(int agent, int32_t pid, const struct session_pipes *pipes, int master);

#endif
