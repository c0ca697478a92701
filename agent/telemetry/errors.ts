/** Closed: each needs a change of the agent's configuration. */
export type TelemetryErrorCode = 'invalid-endpoint' | 'headers-file' | 'already-started';

/** Telemetry that cannot be set up as configured. The message never holds a header's value. */
export class TelemetryError extends Error {
  readonly code: TelemetryErrorCode;

  constructor(code: TelemetryErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'TelemetryError';
    this.code = code;
  }
}
