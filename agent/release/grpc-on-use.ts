import type { Plugin } from 'esbuild';

/** The package behind OTLP over gRPC. */
export const GRPC = '@grpc/grpc-js';

/**
 * Loads gRPC when it is used. The OpenTelemetry exporter for it, which its SDK always loads, is written that way; as it
 * is published, one of its files loads gRPC at once, and with it HTTP/2 and Protocol Buffers.
 */
export const grpcOnUse: Plugin = {
  name: 'grpc-on-use',
  setup: ({ onLoad, onResolve }) => {
    const namespace = 'grpc-on-use';
    onResolve({ filter: new RegExp(`^${GRPC}$`) }, ({ kind }) =>
      kind === 'import-statement' ? { path: GRPC, namespace } : undefined,
    );
    onLoad({ filter: /./, namespace }, () => ({
      contents: `export const makeGenericClientConstructor = (...given) => require('${GRPC}').makeGenericClientConstructor(...given);`,
    }));
  },
};
