import pLimit from 'p-limit';
import type { RefusedRevision } from '../../manifests/index.ts';
import type { Revision, Source, SourceError, SourceErrorCode } from '../source/index.ts';
import type { StateFiles } from '../state/state-files.ts';
import type { Telemetry } from '../telemetry/index.ts';
import type { DesiredBoard } from './desired-board.ts';
import { type ParsedRevision, parseRevision, type RevisionResult } from './parse-revision.ts';
import type { Reporter } from './reporter.ts';

/** How the source stands. */
export interface SyncState {
  readonly revision: ParsedRevision['revision'] | null;
  /** A commit seen and not taken; cleared by the next one that is. */
  readonly refused: RefusedRevision | null;
  /** False until the first poll of this agent has ended. */
  readonly hasPolled: boolean;
  /** Why the last poll could not reach or read the source; null after one that could. */
  readonly unreachable: { readonly code: SourceErrorCode; readonly message: string } | null;
}

export interface Sync {
  state(): SyncState;
  /** Takes the revision of before the restart from the local copy, so that a node starts without its Git server. */
  restore(): Promise<void>;
  /**
   * Polls the source and takes what is new. Resolves when the desired state is known, before it is carried out.
   * @throws SourceError when the source cannot be reached, so that the schedule backs off.
   */
  poll(): Promise<void>;
}

export interface SyncPorts {
  readonly source: Source;
  readonly state: StateFiles;
  readonly board: DesiredBoard;
  readonly reporter: Reporter;
  readonly telemetry: Telemetry;
  readonly branch: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Looks at the node now, and resolves when what that led to is done. Never rejects. */
  readonly settle: () => Promise<void>;
  readonly onChange: () => void;
}

/** Makes the way from the source to the desired state; nothing is fetched before the first poll. */
export function createSync(ports: SyncPorts): Sync {
  // One revision at a time is taken, so that the newest is the last one on the board and on the disk alike.
  const inTurn = pLimit(1);
  let state: SyncState = { revision: null, refused: null, hasPolled: false, unreachable: null };
  const set = (change: Partial<SyncState>): void => {
    state = { ...state, ...change };
    ports.onChange();
  };
  /** Board and state change in one go, so that no look sees one without the other. */
  const adopt = (parsed: ParsedRevision): Taken => {
    const judged = ports.board.take(parsed);
    set({ revision: parsed.revision, refused: null, unreachable: null });
    return { judged };
  };
  const take = async (revision: Revision): Promise<Taken | null> => {
    const result = await parse(revision, ports);
    if (!result.ok) {
      ports.reporter.refused(result.refused);
      set({ refused: result.refused, unreachable: null });
      return null;
    }
    const previous = state.revision?.commit ?? null;
    await ports.state.writeApplied(revision.commit);
    const taken = adopt(result.parsed);
    ports.reporter.accepted(revision, previous);
    await forgetRemoved(ports);
    return taken;
  };
  const pollOnce = async (): Promise<Taken | null> => {
    const fetched = await fetchTip(ports);
    if (!fetched.ok) {
      // A refused commit is an answer: the next poll comes when it would have come anyway.
      if (fetched.refused === null) throw fetched.error;
      ports.reporter.refused(fetched.refused);
      set({ refused: fetched.refused, unreachable: null });
      return null;
    }
    if (fetched.revision.commit !== state.revision?.commit) return take(fetched.revision);
    if (state.unreachable !== null || state.refused !== null) set({ unreachable: null, refused: null });
    return null;
  };
  const pollAndTell = async (): Promise<Taken | null> => {
    try {
      const taken = await pollOnce();
      if (!state.hasPolled) set({ hasPolled: true });
      return taken;
    } catch (error) {
      set({ hasPolled: true, unreachable: describe(error) });
      throw error;
    }
  };

  return {
    state: () => state,
    restore: () =>
      inTurn(async () => {
        const commit = await ports.state.readApplied();
        // A local copy that cannot be read is no reason not to start: the next poll brings it anew.
        const revision = commit === null ? null : await ports.source.read(commit).catch(() => null);
        const result = revision === null ? null : await parse(revision, ports);
        if (result?.ok) adopt(result.parsed);
      }),
    poll: () =>
      new Promise((fetched, failed) => {
        const attributes = { 'cicd.pipeline.action.name': 'SYNC' } as const;
        const run = ports.telemetry.span('holdfast.reconcile', attributes, async (span) => {
          const taken = await inTurn(pollAndTell);
          fetched();
          if (taken === null) return;
          span.set({ 'vcs.ref.head.revision': state.revision?.commit });
          await taken.judged;
          await ports.settle();
        });
        run.catch(failed);
      }),
  };
}

/** A revision that has become the desired state. */
interface Taken {
  /** Resolves when every workload of it was judged, or failed to be. */
  readonly judged: Promise<void>;
}

function parse(revision: Revision, { telemetry, nodeLabels, board }: SyncPorts): Promise<RevisionResult> {
  return telemetry.span('holdfast.manifest.parse', { 'vcs.ref.head.revision': revision.commit }, async (span) => {
    span.set({ 'holdfast.manifest.count': revision.files.length });
    return parseRevision(revision, nodeLabels, board.resources());
  });
}

type Fetched =
  | { readonly ok: true; readonly revision: Revision }
  | { readonly ok: false; readonly refused: RefusedRevision | null; readonly error: SourceError };

async function fetchTip({ source, telemetry, branch }: SyncPorts): Promise<Fetched> {
  const started = performance.now();
  const record = (outcome: 'unchanged' | 'changed' | 'failed'): void =>
    telemetry.record('holdfast.source.fetch.duration', (performance.now() - started) / 1_000, {
      'holdfast.source.outcome': outcome,
    });
  try {
    const before = await source.accepted();
    const revision = await telemetry.span('holdfast.source.fetch', { 'vcs.ref.head.name': branch }, async (span) => {
      const polled = await source.poll();
      const outcome = polled.commit === before ? 'unchanged' : 'changed';
      span.set({ 'vcs.ref.head.revision': polled.commit, 'holdfast.source.outcome': outcome });
      return polled;
    });
    record(revision.commit === before ? 'unchanged' : 'changed');
    return { ok: true, revision };
  } catch (error) {
    record('failed');
    return { ok: false, refused: refusal(error), error: error as SourceError };
  }
}

/** @returns what to tell of a poll that failed. What is no error of the source is one of keeping what it brought. */
function describe(error: unknown): NonNullable<SyncState['unreachable']> {
  const { name, code, message } = Object(error) as Partial<SourceError>;
  return { code: (name === 'SourceError' && code) || 'local-copy', message: message ?? String(error) };
}

/** @returns the refusal an error stands for when a commit was seen, or null when the source did not answer usefully. */
function refusal(error: unknown): RefusedRevision | null {
  const { code, message, commit } = Object(error) as Partial<SourceError>;
  if (typeof commit !== 'string' || code === undefined || code === 'unreachable' || code === 'local-copy') return null;
  return { commit, code, message: message ?? code, problems: [] };
}

async function forgetRemoved({ state, board }: SyncPorts): Promise<void> {
  const wanted = new Set(board.desired()?.workloads.map((workload) => workload.key));
  for (const key of (await state.readLastGood()).keys()) if (!wanted.has(key)) await state.removeLastGood(key);
}
