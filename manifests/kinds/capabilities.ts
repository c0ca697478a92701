import * as z from 'zod';
import { nearest } from '../text/nearest.ts';
import { quoted } from '../text/quoted.ts';

/** Linux capabilities (capabilities(7), Linux 5.9 and later) without the CAP_ prefix, and `ALL`. */
const CAPABILITIES = [
  'ALL',
  ...['AUDIT_CONTROL', 'AUDIT_READ', 'AUDIT_WRITE', 'BLOCK_SUSPEND', 'BPF', 'CHECKPOINT_RESTORE', 'CHOWN'],
  ...['DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'IPC_LOCK', 'IPC_OWNER', 'KILL', 'LEASE'],
  ...['LINUX_IMMUTABLE', 'MAC_ADMIN', 'MAC_OVERRIDE', 'MKNOD', 'NET_ADMIN', 'NET_BIND_SERVICE', 'NET_BROADCAST'],
  ...['NET_RAW', 'PERFMON', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_CHROOT'],
  ...['SYS_MODULE', 'SYS_NICE', 'SYS_PACCT', 'SYS_PTRACE', 'SYS_RAWIO', 'SYS_RESOURCE', 'SYS_TIME'],
  ...['SYS_TTY_CONFIG', 'SYSLOG', 'WAKE_ALARM'],
];

/** A capability, with or without CAP_ and in any case; the output is its bare upper-case name. */
const capability = z.string().transform((written, context) => {
  const name = written.toUpperCase().replace(/^CAP_/, '');
  if (CAPABILITIES.includes(name)) return name;
  const meant = nearest(name, CAPABILITIES);
  const hint = meant === null ? 'see capabilities(7)' : `did you mean ${quoted(meant)}?`;
  context.addIssue({ code: 'custom', message: `${quoted(written)} is not a Linux capability; ${hint}` });
  return z.NEVER;
});

/** Capabilities as written; the output is sorted and has no name twice. */
export const capabilityList = z.array(capability).transform((names) => [...new Set(names)].sort());
