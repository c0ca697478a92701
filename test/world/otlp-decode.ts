/** What a collector passed on, in the order it came. */
export interface Received {
  readonly spans: readonly ReceivedSpan[];
  readonly events: readonly ReceivedEvent[];
  readonly metrics: readonly ReceivedPoint[];
}

/** Attributes by name; whole numbers come as numbers. */
export type ReceivedAttributes = Readonly<Record<string, unknown>>;

interface FromAgent {
  /** Attributes of the resource. */
  readonly resource: ReceivedAttributes;
  /** Name of the instrumentation scope. */
  readonly scope: string;
  readonly attributes: ReceivedAttributes;
}

export interface ReceivedSpan extends FromAgent {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly durationMs: number;
  readonly status: { readonly code: 'unset' | 'ok' | 'error'; readonly message: string };
  readonly events: readonly { readonly name: string; readonly attributes: ReceivedAttributes }[];
}

export interface ReceivedEvent extends FromAgent {
  readonly name: string;
  readonly severity: string;
  readonly severityNumber: number;
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Empty outside a span. */
  readonly traceId: string;
  readonly spanId: string;
}

/** One data point. */
export interface ReceivedPoint extends FromAgent {
  readonly name: string;
  readonly instrument: 'counter' | 'gauge' | 'histogram';
  readonly unit: string;
  readonly description: string;
  /** Value of a counter or gauge; sum of a histogram. */
  readonly value: number;
  /** Measurements in a histogram; null for the others. */
  readonly count: number | null;
  /** Upper bounds of a histogram's buckets; null for the others. */
  readonly bounds: readonly number[] | null;
}

/** Decodes the body of an OTLP/JSON `/v1/traces` request (opentelemetry-proto 1.10, trace.proto). */
export function decodeTraces(body: unknown): ReceivedSpan[] {
  return items(body, 'resourceSpans', 'scopeSpans', 'spans').map(({ item, ...from }) => ({
    ...from,
    name: text(item.name),
    traceId: text(item.traceId),
    spanId: text(item.spanId),
    parentSpanId: text(item.parentSpanId),
    durationMs: milliseconds(item.endTimeUnixNano) - milliseconds(item.startTimeUnixNano),
    status: {
      code: (['unset', 'ok', 'error'] as const)[Number(object(item.status).code ?? 0)] ?? 'unset',
      message: text(object(item.status).message),
    },
    events: list(item.events).map((event) => ({
      name: text(event.name),
      attributes: decodeAttributes(event.attributes),
    })),
  }));
}

/** Decodes the body of an OTLP/JSON `/v1/logs` request (logs.proto). */
export function decodeLogs(body: unknown): ReceivedEvent[] {
  return items(body, 'resourceLogs', 'scopeLogs', 'logRecords').map(({ item, ...from }) => ({
    ...from,
    name: text(item.eventName),
    severity: text(item.severityText),
    severityNumber: Number(item.severityNumber ?? 0),
    body: text(decodeValue(item.body)),
    at: milliseconds(item.timeUnixNano),
    traceId: text(item.traceId),
    spanId: text(item.spanId),
  }));
}

/** Decodes the body of an OTLP/JSON `/v1/metrics` request (metrics.proto). */
export function decodeMetrics(body: unknown): ReceivedPoint[] {
  return items(body, 'resourceMetrics', 'scopeMetrics', 'metrics').flatMap(({ item, ...from }) => {
    const kind = item.sum ? 'sum' : item.gauge ? 'gauge' : 'histogram';
    return list(object(item[kind]).dataPoints).map((point) => ({
      ...from,
      attributes: decodeAttributes(point.attributes),
      name: text(item.name),
      instrument: kind === 'sum' ? ('counter' as const) : kind,
      unit: text(item.unit),
      description: text(item.description),
      value: Number(point.asInt ?? point.asDouble ?? point.sum ?? 0),
      count: kind === 'histogram' ? Number(point.count) : null,
      bounds: kind === 'histogram' ? (point.explicitBounds as readonly number[]) : null,
    }));
  });
}

type Json = Readonly<Record<string, unknown>>;

function items(body: unknown, resources: string, scopes: string, name: string): (FromAgent & { item: Json })[] {
  return list(object(body)[resources]).flatMap((byResource) => {
    const resource = decodeAttributes(object(byResource.resource).attributes);
    return list(byResource[scopes]).flatMap((byScope) =>
      list(byScope[name]).map((item) => ({
        resource,
        scope: text(object(byScope.scope).name),
        attributes: decodeAttributes(item.attributes),
        item,
      })),
    );
  });
}

function decodeAttributes(pairs: unknown): ReceivedAttributes {
  return Object.fromEntries(list(pairs).map((pair) => [text(pair.key), decodeValue(pair.value)]));
}

/** AnyValue of common.proto; a 64-bit number comes as text. */
function decodeValue(value: unknown): unknown {
  const [[kind, content] = ['none', null]] = Object.entries(object(value));
  if (kind === 'intValue') return Number(content);
  if (kind === 'arrayValue') return list(object(content).values).map(decodeValue);
  return content;
}

function milliseconds(unixNano: unknown): number {
  return Number(BigInt(text(unixNano) || '0') / 1_000n) / 1_000;
}

function object(value: unknown): Json {
  return (value ?? {}) as Json;
}

function list(value: unknown): readonly Json[] {
  return (value ?? []) as readonly Json[];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
