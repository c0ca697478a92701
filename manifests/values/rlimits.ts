import { nearest } from '../text/nearest.ts';
import { quoted } from '../text/quoted.ts';
import type { Rlimit } from '../workload.ts';

/**
 * Annotation of a pod for what Kubernetes has no field for, the limits of setrlimit(2) of its processes:
 * `nofile=1024:4096, core=0`, each a soft and a hard limit, or one number for both.
 */
export const RLIMITS_ANNOTATION = 'holdfast.dev/rlimits';

const NAMES = [
  ...['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss'],
  ...['rtprio', 'rttime', 'sigpending', 'stack'],
];

/** Reads the annotation. @returns the limits by name in order, or what is wrong with the text. */
export function readRlimits(text: string): readonly Rlimit[] | string {
  const limits: Rlimit[] = [];
  for (const part of text.split(',').map((each) => each.trim())) {
    const limit = readRlimit(part);
    if (typeof limit === 'string') return limit;
    if (limits.some(({ name }) => name === limit.name)) return `has ${quoted(limit.name)} twice; keep one`;
    limits.push(limit);
  }
  return limits.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readRlimit(part: string): Rlimit | string {
  const found = /^([a-z]+)=(\d{1,15})(?::(\d{1,15}))?$/.exec(part);
  const [, name, soft, hard = soft] = found ?? [];
  if (name === undefined)
    return 'must be limits such as `nofile=1024:4096, core=0`: a name, and numbers of at most 15 digits';
  if (!NAMES.includes(name)) {
    const meant = nearest(name, NAMES);
    return `${quoted(name)} is not a limit of setrlimit(2); ${meant === null ? `known are ${NAMES.join(', ')}` : `did you mean ${quoted(meant)}?`}`;
  }
  const limit = { name, soft: Number(soft), hard: Number(hard) };
  return limit.soft > limit.hard ? `has a soft limit of ${quoted(name)} above the hard one; lower it` : limit;
}
