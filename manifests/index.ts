export * from './origin.ts';
export * from './workload.ts';
