import type { WorkloadKey } from '../../manifests/index.ts';
import type { Limits, NetworkSpec, TrafficDirection, TrafficRules } from '../../native/index.ts';
import type { Finding } from '../../policies/index.ts';
import type { Failure } from './failure.ts';
import type { PodNetworks } from './networks/networking.ts';
import type { ClaimRecord } from './state.ts';

/** The one list of what can be done, with what each step needs. The step union and the executor are derived from it. */
export interface StepArgs {
  'pull-image': { readonly reference: string; readonly digest: string; readonly identity: string };
  'create-network': { readonly network: NetworkSpec; readonly identity: string };
  'create-pod': PodStep & {
    readonly replica: number;
    readonly networks: PodNetworks;
    /** Directions in which it takes part in nothing before traffic rules name it. */
    readonly guards: readonly TrafficDirection[];
  };
  'start-container': PodStep & { readonly container: string; readonly restarts: number; readonly crashes: number };
  /** Gives it its cards back as they were made. */
  'reconnect-pod': { readonly pod: string };
  'write-files': PodStep;
  'create-volume': { readonly claim: ClaimRecord; readonly identity: string };
  'remove-volume': { readonly namespace: string; readonly name: string };
  'update-limits': PodStep & { readonly container: string; readonly limits: Limits };
  'resume-container': PodStep & { readonly container: string };
  'stop-pod': { readonly pod: string; readonly graceMs: number };
  'remove-pod': { readonly pod: string };
  'remove-stranger': { readonly id: string };
  'apply-traffic': { readonly rules: TrafficRules };
  'remove-network': { readonly name: string };
}

/** A step that needs the version the pod was made from. */
interface PodStep {
  readonly pod: string;
  readonly identity: string;
}

export type StepKind = keyof StepArgs;

/** One safe, idempotent action. `reason` is for people. */
export type Step = { readonly [Kind in StepKind]: StepBase<Kind> & StepArgs[Kind] }[StepKind];

interface StepBase<Kind extends StepKind> {
  readonly kind: Kind;
  /** Whose step it is: steps of one workload run in order, those of others beside them. Empty for strays of no workload. */
  readonly workload: WorkloadKey | '';
  readonly reason: string;
}

/** Why a workload is not at its wanted version and nothing can be done about it now. */
export interface Blocked {
  readonly workload: WorkloadKey;
  readonly cause: 'policy' | 'image' | 'step';
  readonly reason: string;
  readonly findings: readonly Finding[];
  readonly failure: Failure | null;
}

/** Something that only needs time. */
export interface Waiting {
  readonly workload: WorkloadKey;
  readonly reason: string;
  /** Look again at this time (milliseconds since the epoch); null when an event will tell. */
  readonly until: number | null;
}

/** The next safe steps towards the desired state. Plain JSON: printable, comparable, replayable. */
export interface Plan {
  readonly revision: string;
  readonly steps: readonly Step[];
  /** Workloads with nothing to do, wait for or complain of. */
  readonly unchanged: readonly WorkloadKey[];
  readonly blocked: readonly Blocked[];
  readonly waiting: readonly Waiting[];
}

/** @returns whether the node is at the desired state: nothing to do, to wait for, or in the way. */
export function isConverged(plan: Plan): boolean {
  return plan.steps.length === 0 && plan.blocked.length === 0 && plan.waiting.length === 0;
}
