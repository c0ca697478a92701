import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  registry,
  type SpanName,
  type Telemetry,
  type TelemetryEvent,
} from '../../agent/telemetry/index.ts';

/** Sends one of every registered span, event and metric, with every attribute each may have. */
export async function emitEverything(telemetry: Telemetry): Promise<void> {
  for (const [name, { attributes }] of entries(registry.spans)) {
    await telemetry.span(name as SpanName, sample(attributes), async () => undefined);
  }
  for (const [name, { attributes }] of entries(registry.events)) {
    telemetry.emit({ name, attributes: sample(attributes) } as TelemetryEvent);
  }
  for (const [name, { instrument, attributes }] of entries(registry.metrics)) {
    if (instrument === 'counter') telemetry.add(name as CounterName, 1, sample(attributes));
    else if (instrument === 'gauge') telemetry.set(name as GaugeName, 1, sample(attributes));
    else telemetry.record(name as HistogramName, 1, sample(attributes));
  }
}

function entries<Value>(record: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(record);
}

/** The registry is walked as data here, so the attributes fit by construction and not by type. */
function sample(use: object): never {
  const types: Readonly<Record<string, { readonly type: string | readonly string[] }>> = registry.attributes;
  const pairs = Object.keys(use).map((key) => {
    const type = types[key]?.type;
    return [key, Array.isArray(type) ? type[0] : type === 'int' ? 3 : 'some text'];
  });
  return Object.fromEntries(pairs) as never;
}
