import { capabilityNames } from '../container/capabilities.ts';
import { seccompActions, seccompOperators } from '../seccomp/profile-schema.ts';
import { MOUNT_OPTIONS } from './launch/mount-options.ts';

/** @returns what the runtime can do, in the form of https://github.com/opencontainers/runtime-spec/blob/v1.2.0/features.md */
export function describeFeatures(): Readonly<Record<string, unknown>> {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: '1.2.0',
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: MOUNT_OPTIONS,
    linux: {
      namespaces: ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts'],
      capabilities: capabilityNames,
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: false },
      seccomp: {
        enabled: true,
        actions: seccompActions,
        operators: seccompOperators,
        supportedFlags: [],
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: false },
      mountExtensions: { idmap: { enabled: true } },
    },
  };
}
