import { TelemetryError } from './errors.ts';

/** Where each signal goes: the OTLP/HTTP paths below the configured base (OTLP 1.10, "OTLP/HTTP Request"). */
export interface Endpoint {
  readonly traces: string;
  readonly metrics: string;
  readonly logs: string;
  /** True when the way to it can be listened to: http to another machine. */
  readonly isExposed: boolean;
}

const HOW_TO = 'give the base address of an OTLP/HTTP receiver, such as `https://collector.example:4318`';

/**
 * Checks the configured receiver.
 * @throws TelemetryError `invalid-endpoint` when it is no http or https address, or holds a secret, a query or a fragment.
 */
export function parseEndpoint(endpoint: string): Endpoint {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol)) throw fail(`it is no http or https address; ${HOW_TO}`);
  if (url.username !== '' || url.password !== '') throw fail('it holds a user or password; put a header into a file');
  if (url.search !== '' || url.hash !== '') throw fail(`it has a query or fragment; ${HOW_TO}`);
  const base = url.href.replace(/\/+$/, '');
  return {
    traces: `${base}/v1/traces`,
    metrics: `${base}/v1/metrics`,
    logs: `${base}/v1/logs`,
    isExposed: url.protocol === 'http:' && !isLoopback(url.hostname),
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function fail(why: string): TelemetryError {
  return new TelemetryError('invalid-endpoint', `The telemetry endpoint cannot be used: ${why}.`);
}
