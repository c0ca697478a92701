export * from './backend.ts';
export * from './errors.ts';
export * from './files/durable.ts';
export * from './oci.ts';
