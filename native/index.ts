export * from './backend.ts';
export { canonicalLimits } from './cgroup/limits.ts';
export * from './errors.ts';
export * from './files/dir.ts';
export * from './files/durable.ts';
export * from './kernel-backend.ts';
export * from './oci.ts';
export { defaultSeccomp } from './seccomp/default-profile.ts';
