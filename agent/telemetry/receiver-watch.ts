/** A signal that got through until now is lost, or the other way round. */
export interface ReceiverChange {
  readonly signal: 'traces' | 'metrics' | 'logs';
  readonly state: 'failing' | 'recovered';
  /** Why exports fail; empty when recovered. */
  readonly reason: string;
}

/** The part of the SDK's exporters that is watched. */
interface Exporter<Items> {
  export(items: Items, done: (result: { readonly code: number; readonly error?: Error }) => void): void;
}

const SUCCESS = 0;

/** Tells of changes in how an exporter fares; a receiver that stays down is told of once. @returns the same exporter. */
export function watchReceiver<Items, E extends Exporter<Items>>(
  exporter: E & Exporter<Items>,
  signal: ReceiverChange['signal'],
  onChange: (change: ReceiverChange) => void,
): E {
  const send: Exporter<Items>['export'] = exporter.export.bind(exporter);
  let state: ReceiverChange['state'] = 'recovered';
  exporter.export = (items, done) => {
    send(items, (result) => {
      const next = result.code === SUCCESS ? 'recovered' : 'failing';
      const reason = result.error?.message ?? '';
      done(result);
      if (next !== state) onChange({ signal, state: next, reason: reason });
      state = next;
    });
  };
  return exporter;
}
