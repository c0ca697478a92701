import { AsyncLocalStorage } from 'node:async_hooks';
import type { MetricName, SpanName, Telemetry, TelemetryEvent } from '../../agent/telemetry/index.ts';

/** A span that ran, in the order of the starts. */
export interface RecordedSpan {
  readonly name: SpanName;
  /** The span it ran in; null for a root. */
  readonly parent: RecordedSpan | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Null while it succeeds; the code of a thrown error or of `fail`. */
  readonly failure: string | null;
  readonly ended: boolean;
}

/** A measurement. */
export interface RecordedPoint {
  readonly name: MetricName;
  readonly value: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Telemetry that a test reads back. The lists grow as the agent speaks. */
export interface RecordingTelemetry extends Telemetry {
  readonly spans: readonly RecordedSpan[];
  readonly events: readonly TelemetryEvent[];
  readonly points: readonly RecordedPoint[];
  /** @returns the events of one name. */
  eventsNamed<Name extends TelemetryEvent['name']>(name: Name): readonly Extract<TelemetryEvent, { name: Name }>[];
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Makes telemetry that keeps everything in memory. */
export function createRecordingTelemetry(): RecordingTelemetry {
  const active = new AsyncLocalStorage<RecordedSpan>();
  const spans: RecordedSpan[] = [];
  const events: TelemetryEvent[] = [];
  const points: RecordedPoint[] = [];
  const measure = (name: MetricName, value: number, attributes: object): void => {
    points.push({ name, value, attributes: { ...attributes } });
  };
  return {
    spans,
    events,
    points,
    eventsNamed: <Name extends TelemetryEvent['name']>(name: Name) =>
      events.filter((event): event is Extract<TelemetryEvent, { name: Name }> => event.name === name),
    span: async (name, attributes, run) => {
      const span: Writable<RecordedSpan> = {
        name,
        parent: active.getStore() ?? null,
        attributes: { ...attributes },
        failure: null,
        ended: false,
      };
      spans.push(span);
      try {
        return await active.run(span, () =>
          run({
            set: (more) => {
              span.attributes = { ...span.attributes, ...more };
            },
            fail: ({ code }) => {
              span.failure = code;
            },
          }),
        );
      } catch (error) {
        span.failure = String((error as { code?: unknown }).code ?? 'unknown');
        throw error;
      } finally {
        span.ended = true;
      }
    },
    emit: (event) => void events.push(event),
    add: measure,
    record: measure,
    set: measure,
    flush: async () => undefined,
    shutdown: async () => undefined,
  };
}
