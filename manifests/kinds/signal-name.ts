import * as z from 'zod';
import { nearest } from '../text/nearest.ts';
import { quoted } from '../text/quoted.ts';

/** Signals of Linux that end a program or that it can heed (signal(7)), as Kubernetes names them. */
const SIGNALS = [
  ...['SIGABRT', 'SIGALRM', 'SIGBUS', 'SIGCHLD', 'SIGCONT', 'SIGFPE', 'SIGHUP', 'SIGILL', 'SIGINT', 'SIGIO', 'SIGKILL'],
  ...['SIGPIPE', 'SIGPROF', 'SIGPWR', 'SIGQUIT', 'SIGSEGV', 'SIGSTKFLT', 'SIGSYS', 'SIGTERM', 'SIGTRAP', 'SIGTSTP'],
  ...['SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGUSR1', 'SIGUSR2', 'SIGVTALRM', 'SIGWINCH', 'SIGXCPU', 'SIGXFSZ'],
];

/** The name of a signal that can stop a container, such as `SIGUSR1`. */
export const signalName = z.string().superRefine((written, context) => {
  if (SIGNALS.includes(written)) return;
  const meant = nearest(written, SIGNALS);
  const hint = meant === null ? 'write a name such as `SIGTERM`' : `did you mean ${quoted(meant)}?`;
  context.addIssue({ code: 'custom', message: `${quoted(written)} is not a signal; ${hint}` });
});
