export * from './backend.ts';
export * from './errors.ts';
export * from './files/dir.ts';
export * from './files/durable.ts';
export * from './oci.ts';
export { canonicalLimits } from './cgroup/limits.ts';
export { defaultSeccomp } from './seccomp/default-profile.ts';
