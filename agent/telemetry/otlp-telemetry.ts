import { type Attributes, SeverityNumber, type Span, SpanStatusCode } from '@opentelemetry/api';
import type { SpanName } from './derived-types.ts';
import { createInstruments } from './instruments.ts';
import { registry } from './names.ts';
import type { Sdk } from './otlp-sdk.ts';
import type { SpanHandle, Telemetry } from './telemetry.ts';

/** Longest text sent; what is longer is cut. */
const MAX_TEXT = 2_048;

/** The port over a running SDK. */
export function createOtlpTelemetry(sdk: Sdk): Telemetry {
  const instruments = createInstruments(sdk.meter);
  return {
    span: (name, attributes, run) =>
      sdk.tracer.startActiveSpan(name, { attributes: cut(attributes) }, async (span) => {
        try {
          return await run(handle(span));
        } catch (error) {
          recordError(span, error);
          throw error;
        } finally {
          span.end();
        }
      }),
    emit: ({ name, attributes }) => {
      const { severity, brief } = registry.events[name];
      sdk.logger.emit({
        eventName: name,
        severityText: severity,
        severityNumber: SeverityNumber[severity],
        body: brief,
        attributes: cut(attributes),
        timestamp: Date.now(),
      });
    },
    add: (metric, value, attributes) => instruments.counters[metric].add(value, cut(attributes)),
    record: (metric, value, attributes) => instruments.histograms[metric].record(value, cut(attributes)),
    set: (metric, value, attributes) => instruments.gauges[metric].record(value, cut(attributes)),
    flush: sdk.flush,
    shutdown: sdk.shutdown,
  };
}

function handle<Name extends SpanName>(span: Span): SpanHandle<Name> {
  return {
    set: (attributes) => void span.setAttributes(cut(attributes)),
    fail: ({ code, reason }) => markFailed(span, code, reason),
  };
}

function recordError(span: Span, thrown: unknown): void {
  const isObject = typeof thrown === 'object' && thrown !== null;
  const error: Partial<NodeJS.ErrnoException> = isObject ? thrown : { message: String(thrown) };
  const type = String(error.code ?? error.name ?? 'unknown');
  const reason = (error.message ?? '').slice(0, MAX_TEXT);
  span.recordException({ name: type, message: reason, stack: (error.stack ?? '').slice(0, MAX_TEXT) });
  markFailed(span, type, reason);
}

function markFailed(span: Span, code: string, reason: string): void {
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: reason.slice(0, MAX_TEXT) });
}

/** Long texts are cut; the SDK itself leaves out what is undefined. */
function cut(attributes: Readonly<Record<string, string | number | undefined>>): Attributes {
  const entries = Object.entries(attributes);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'string' ? value.slice(0, MAX_TEXT) : value]),
  );
}
