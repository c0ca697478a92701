import type * as z from 'zod';
import { nearest } from '../text/nearest.ts';
import { quoted } from '../text/quoted.ts';
import { parseDeviceLimits } from '../values/device-limits.ts';
import type { DeviceLimits, StringMap } from '../workload.ts';

/** Ends the prefix of every annotation of a container, which has the container's name after the slash. */
const DOMAIN = '.holdfast.dev';

/** What annotations limit, for which Kubernetes has no field: `cpus.holdfast.dev/web: 0-3`. */
export interface AnnotatedLimits {
  readonly cpus: string | null;
  readonly mems: string | null;
  readonly ioDevices: readonly DeviceLimits[];
}

const READERS: Readonly<Record<string, (text: string) => string | null>> = {
  cpus: listProblem,
  mems: listProblem,
  io: (text) => {
    const parsed = parseDeviceLimits(text);
    return typeof parsed === 'string' ? parsed : null;
  },
};

/** @returns what the annotations of a pod, found right before, limit of one of its containers. */
export function annotatedLimits(annotations: StringMap, container: string): AnnotatedLimits {
  const written = (kind: string): string | null => annotations[`${kind}${DOMAIN}/${container}`] ?? null;
  const devices = parseDeviceLimits(written('io') ?? '');
  return { cpus: written('cpus'), mems: written('mems'), ioDevices: typeof devices === 'string' ? [] : devices };
}

/**
 * Reports annotations of containers that limit nothing there is.
 * @param names of the pod's containers; null where there is no pod, as in the metadata of a Deployment.
 */
export function checkLimitAnnotations(
  annotations: StringMap,
  names: readonly string[] | null,
  report: (key: string, message: string) => void,
): void {
  for (const [key, text] of Object.entries(annotations)) {
    const [prefix = '', name = ''] = key.split('/');
    if (!key.includes('/') || !prefix.endsWith(DOMAIN)) continue;
    const problem = problemOf({ kind: prefix.slice(0, -DOMAIN.length), name, text }, names);
    if (problem !== null) report(key, problem);
  }
}

interface Annotation {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
}

function problemOf({ kind, name, text }: Annotation, names: readonly string[] | null): string | null {
  const read = Object.hasOwn(READERS, kind) ? READERS[kind] : undefined;
  if (read === undefined) {
    const meant = nearest(kind, Object.keys(READERS));
    const known = Object.keys(READERS).map((each) => quoted(`${each}${DOMAIN}`));
    return `there is no such annotation; ${meant === null ? `there are ${known.join(', ')}` : `did you mean ${quoted(`${meant}${DOMAIN}`)}?`}`;
  }
  if (names === null) return 'limits a container of the pod template; move it to `spec.template.metadata`';
  if (names.includes(name)) return read(text);
  const meant = nearest(name, names);
  return `the pod has no container ${quoted(name)}${meant === null ? '; remove it' : `, did you mean ${quoted(meant)}?`}`;
}

const LIST = /^\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?)*$/;

function listProblem(text: string): string | null {
  const isRight =
    LIST.test(text) &&
    text.split(',').every((range) => {
      const [first = '', last = first] = range.split('-');
      return Number(first) <= Number(last);
    });
  return isRight ? null : `${quoted(text)} is no list of numbers; write one such as \`0-3,6\``;
}

/** Checks the annotations of a pod or template beside its containers, where their metadata and spec are at hand. */
export function reportLimitAnnotations(
  { metadata, spec }: AnnotatedPod,
  context: z.RefinementCtx,
  steps: readonly string[],
): void {
  const names = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
  checkLimitAnnotations(metadata.annotations ?? {}, names, (key, message) =>
    context.addIssue({ code: 'custom', path: [...steps, 'metadata', 'annotations', key], message }),
  );
}

interface AnnotatedPod {
  readonly metadata: { readonly annotations?: StringMap | undefined };
  readonly spec: {
    readonly initContainers?: readonly { readonly name: string }[] | undefined;
    readonly containers: readonly { readonly name: string }[];
  };
}
