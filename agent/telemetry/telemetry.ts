import type {
  CounterName,
  GaugeName,
  HistogramName,
  MetricAttributes,
  SpanAttributes,
  SpanName,
  TelemetryEvent,
} from './derived-types.ts';

/**
 * What the agent says about itself. Only registered names compile. Nothing here throws, waits for the network or holds
 * up the caller: a signal that cannot be delivered is lost.
 */
export interface Telemetry {
  /**
   * Runs work inside a span; spans begun within it, and events emitted within it, become its children.
   * A thrown error is recorded on the span and thrown on.
   */
  span<Name extends SpanName, Result>(
    name: Name,
    attributes: SpanAttributes<Name>,
    run: (span: SpanHandle<Name>) => Promise<Result>,
  ): Promise<Result>;
  /** Says that something happened, tied to the span it happens in. */
  emit(event: TelemetryEvent): void;
  /** Adds to a counter; `value` is not negative. */
  add<Name extends CounterName>(metric: Name, value: number, attributes: MetricAttributes<Name>): void;
  /** Puts one measurement, in the metric's unit, into a histogram. */
  record<Name extends HistogramName>(metric: Name, value: number, attributes: MetricAttributes<Name>): void;
  /** Sets what a gauge shows from now on, in the metric's unit. */
  set<Name extends GaugeName>(metric: Name, value: number, attributes: MetricAttributes<Name>): void;
  /** Sends what is waiting. Resolves when it was delivered or lost. */
  flush(): Promise<void>;
  /**
   * Sends what is waiting and ends, within three seconds, delivered or not. Later calls do nothing.
   * Retries to a receiver that is down may keep the event loop alive for ten seconds more: exit explicitly.
   */
  shutdown(): Promise<void>;
}

/** A span that is running. */
export interface SpanHandle<Name extends SpanName> {
  /** Adds what became known since the start. */
  set(attributes: Partial<SpanAttributes<Name>>): void;
  /** Marks a failure that is a value and not a thrown error. `code` becomes `error.type`. */
  fail(failure: { readonly code: string; readonly reason: string }): void;
}
