import { context, type Logger, logs, type Meter, metrics, type Tracer, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import type { Endpoint } from './endpoint.ts';
import { TelemetryError } from './errors.ts';
import type { Headers } from './headers-file.ts';
import { withoutOtelVariables } from './otel-variables.ts';
import { type ReceiverChange, watchReceiver } from './receiver-watch.ts';
import type { ResourceAttributes } from './resource.ts';

/** The OpenTelemetry SDK, running. */
export interface Sdk {
  readonly tracer: Tracer;
  readonly logger: Logger;
  readonly meter: Meter;
  /** Sends what is waiting. Resolves when it was delivered or lost. */
  flush(): Promise<void>;
  /** Sends what is waiting and ends, within three seconds, delivered or not. */
  shutdown(): Promise<void>;
}

export interface SdkOptions {
  readonly endpoint: Endpoint;
  readonly headers: Headers;
  readonly resource: ResourceAttributes;
  /** Version of the agent; the version of the instrumentation scope too. */
  readonly version: string;
  readonly metricIntervalMs: number;
  readonly batchDelayMs: number;
  readonly onReceiverChange: (change: ReceiverChange) => void;
}

const SCOPE = 'holdfast-agent';
const SHUTDOWN_MS = 3_000;
/** How long one export is retried; what is not delivered by then is lost. */
const EXPORT_MS = 10_000;
/** A metric with more series than this keeps one more, marked `otel.metric.overflow`, for the rest. */
const MAX_SERIES = 200;

/**
 * Starts the SDK with exporters for traces, metrics and logs: OTLP/HTTP, protobuf, gzip.
 * @throws TelemetryError `already-started` when an SDK runs in this process: its providers are global.
 */
export function startSdk(options: SdkOptions): Sdk {
  const contextManager = new AsyncLocalStorageContextManager();
  if (!context.setGlobalContextManager(contextManager)) {
    throw new TelemetryError('already-started', 'Telemetry runs already in this process: shut it down first.');
  }
  return withoutOtelVariables(() => {
    const spanProcessor = createSpanProcessor(options);
    const logProcessor = createLogProcessor(options);
    const metricReader = createMetricReader(options);
    const sdk = new NodeSDK({
      autoDetectResources: false,
      resource: defaultResource().merge(resourceFromAttributes(options.resource)),
      contextManager,
      textMapPropagator: null,
      instrumentations: [],
      spanProcessors: [spanProcessor],
      logRecordProcessors: [logProcessor],
      metricReaders: [metricReader],
    });
    sdk.start();
    let ended: Promise<void> | null = null;
    const end = async (): Promise<void> => {
      await withinDeadline(settle([sdk.shutdown()]), SHUTDOWN_MS);
      for (const api of [trace, logs, metrics, context]) api.disable();
    };
    return {
      tracer: trace.getTracer(SCOPE, options.version),
      logger: logs.getLogger(SCOPE, options.version),
      meter: metrics.getMeter(SCOPE, options.version),
      flush: () => ended ?? settle([spanProcessor.forceFlush(), logProcessor.forceFlush(), metricReader.forceFlush()]),
      shutdown: () => {
        ended ??= end();
        return ended;
      },
    };
  });
}

function createSpanProcessor(options: SdkOptions): BatchSpanProcessor {
  const exporter = new OTLPTraceExporter(exporterOptions(options, options.endpoint.traces));
  return new BatchSpanProcessor({
    exporter: watchReceiver(exporter, 'traces', options.onReceiverChange),
    scheduledDelayMillis: options.batchDelayMs,
  });
}

function createLogProcessor(options: SdkOptions): BatchLogRecordProcessor {
  const exporter = new OTLPLogExporter(exporterOptions(options, options.endpoint.logs));
  return new BatchLogRecordProcessor({
    exporter: watchReceiver(exporter, 'logs', options.onReceiverChange),
    scheduledDelayMillis: options.batchDelayMs,
  });
}

function createMetricReader(options: SdkOptions): PeriodicExportingMetricReader {
  const exporter = new OTLPMetricExporter(exporterOptions(options, options.endpoint.metrics));
  return new PeriodicExportingMetricReader({
    exporter: watchReceiver(exporter, 'metrics', options.onReceiverChange),
    exportIntervalMillis: options.metricIntervalMs,
    exportTimeoutMillis: Math.min(options.metricIntervalMs, EXPORT_MS),
    cardinalityLimits: { default: MAX_SERIES },
  });
}

function exporterOptions(options: SdkOptions, url: string) {
  return {
    url,
    headers: { ...options.headers },
    timeoutMillis: EXPORT_MS,
    compression: CompressionAlgorithm.GZIP,
  };
}

async function settle(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
}

async function withinDeadline(work: Promise<void>, deadlineMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, deadlineMs);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
