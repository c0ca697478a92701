export { createTelemetry, type TelemetryOptions } from './create-telemetry.ts';
export type * from './derived-types.ts';
export { TelemetryError, type TelemetryErrorCode } from './errors.ts';
export { registry } from './names.ts';
export type { ReceiverChange } from './receiver-watch.ts';
export type { SpanHandle, Telemetry } from './telemetry.ts';
