import { parseEndpoint } from './endpoint.ts';
import { TelemetryError } from './errors.ts';
import { type Headers, readHeadersFile } from './headers-file.ts';
import type { ReceiverChange } from './receiver-watch.ts';
import { describeResource } from './resource.ts';
import { silentTelemetry } from './silent-telemetry.ts';
import type { Telemetry } from './telemetry.ts';

export interface TelemetryOptions {
  /** Base address of an OTLP/HTTP receiver; null sends nothing. */
  readonly endpoint: string | null;
  /** Name of the node; becomes `service.instance.id`. */
  readonly node: string;
  readonly version: string;
  /** Becomes `deployment.environment.name`; null leaves it out. */
  readonly environment: string | null;
  /** A file of mode 0600 with `Name: value` lines that authorise the agent to the receiver. Read once. */
  readonly headersFile?: string | null;
  /** Time between two exports of the metrics; a minute unless given. */
  readonly metricIntervalMs?: number;
  /** How long spans and events are gathered before they are sent; a second unless given. */
  readonly batchDelayMs?: number;
  /** Told when a signal begins to get lost, and when it gets through again. */
  readonly onReceiverChange?: (change: ReceiverChange) => void;
}

/**
 * Starts telemetry. With a receiver, the OpenTelemetry SDK is loaded and started, at most once in a process at a time;
 * `OTEL_*` variables are not heeded. Without one nothing is loaded. A receiver that is down is no error.
 * @throws TelemetryError when the endpoint or the headers file cannot be used, or telemetry runs already.
 */
export async function createTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  if (options.endpoint === null) return silentTelemetry;
  const endpoint = parseEndpoint(options.endpoint);
  const headers: Headers = options.headersFile ? await readHeadersFile(options.headersFile) : {};
  if (options.headersFile && endpoint.isExposed) {
    throw new TelemetryError(
      'invalid-endpoint',
      `${options.headersFile} would be sent in the clear: use an https endpoint, or a collector on this node.`,
    );
  }
  const resource = await describeResource(options);
  const [{ startSdk }, { createOtlpTelemetry }] = await Promise.all([
    import('./otlp-sdk.ts'),
    import('./otlp-telemetry.ts'),
  ]);
  return createOtlpTelemetry(
    startSdk({
      endpoint,
      headers,
      resource,
      version: options.version,
      metricIntervalMs: options.metricIntervalMs ?? 60_000,
      batchDelayMs: options.batchDelayMs ?? 1_000,
      onReceiverChange: options.onReceiverChange ?? (() => undefined),
    }),
  );
}
