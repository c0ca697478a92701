import type { Counter, Gauge, Histogram, Meter, MetricOptions } from '@opentelemetry/api';
import type { CounterName, GaugeName, HistogramName, MetricName } from './derived-types.ts';
import type { MetricDefinition } from './names/metrics.ts';
import { registry } from './names.ts';

/** Every instrument of the registry, by name. */
export interface Instruments {
  readonly counters: Readonly<Record<CounterName, Counter>>;
  readonly gauges: Readonly<Record<GaugeName, Gauge>>;
  readonly histograms: Readonly<Record<HistogramName, Histogram>>;
}

/** Makes every instrument of the registry; one that is never used sends nothing. */
export function createInstruments(meter: Meter): Instruments {
  return {
    counters: createAll<CounterName, Counter>('counter', (name, options) => meter.createCounter(name, options)),
    gauges: createAll<GaugeName, Gauge>('gauge', (name, options) => meter.createGauge(name, options)),
    histograms: createAll<HistogramName, Histogram>('histogram', (name, options) =>
      meter.createHistogram(name, options),
    ),
  };
}

function createAll<Name extends MetricName, Instrument>(
  kind: MetricDefinition['instrument'],
  create: (name: string, options: MetricOptions) => Instrument,
): Readonly<Record<Name, Instrument>> {
  const definitions: readonly (readonly [string, MetricDefinition])[] = Object.entries(registry.metrics);
  const made = definitions
    .filter(([, definition]) => definition.instrument === kind)
    .map(([name, { unit, brief, buckets }]) => {
      const advice = buckets && { advice: { explicitBucketBoundaries: [...buckets] } };
      return [name, create(name, { unit, description: brief, ...advice })] as const;
    });
  return Object.fromEntries(made) as Record<Name, Instrument>;
}
