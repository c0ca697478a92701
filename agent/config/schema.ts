import { validateDetailed } from 'node-cron';
import * as z from 'zod';
import { parseSubnet } from '../../manifests/index.ts';

const text = z.string().min(1);
const absolutePath = z.string().regex(/^\//, 'must be an absolute path');
const labels = z.record(z.string(), z.string());

const cron = z.string().refine((expression) => validateDetailed(expression).valid, {
  error: 'must be a cron expression; every 30 seconds is `*/30 * * * * *`',
});

/** What a socket address holds (unix(7)), without the name of the socket. */
const LONGEST_RUN_DIR = 107 - '/agent.sock'.length;

const node = z.strictObject({
  /** Name in status and telemetry; the host name unless given. */
  name: text.optional(),
  /** What `nodeSelector` in a manifest is matched against. */
  labels: labels.default({}),
});

const source = z.strictObject({
  /** `https://`, `http://`, `ssh://` or `file://` URL of the Git repository. */
  url: text,
  branch: text.default('main'),
  /** Folder of the manifests in the repository. */
  path: z.string().default(''),
  /** Cron expression, of five fields, or of six with seconds first. */
  schedule: cron.default('*/30 * * * * *'),
  /** Random delay added to each poll, so that a fleet does not ask at once. */
  jitterSeconds: z.number().int().min(0).max(3600).default(5),
  /** Kill a Git command that takes longer. */
  timeoutSeconds: z.number().int().min(1).max(3600).default(120),
  signers: z
    .strictObject({
      /** OpenSSH allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS). */
      ssh: absolutePath.optional(),
      /** Armored OpenPGP public keys. */
      gpg: absolutePath.optional(),
    })
    .refine(
      (value) => value.ssh !== undefined || value.gpg !== undefined,
      'name at least one of ssh and gpg: unsigned commits never run',
    ),
  auth: z
    .strictObject({
      sshKeyFile: absolutePath.optional(),
      knownHostsFile: absolutePath.optional(),
      tokenFile: absolutePath.optional(),
      username: text.optional(),
    })
    .default({}),
});

const host = z.string().regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/, 'must be `host` or `host:port`, as in image references');

const registry = z
  .strictObject({
    /** `host[:port]` as in image references; `docker.io` is Docker Hub. */
    host,
    /** Asked before it, in this order; `host[:port]` and a path that comes before every repository. */
    mirrors: z
      .array(z.string().regex(/^[A-Za-z0-9.-]+(:\d{1,5})?(\/[a-z0-9._/-]+)?$/, 'must be `host[:port][/path]`'))
      .default([]),
    plainHttp: z.boolean().default(false),
    /** PEM certificates of the authorities to believe, instead of the system's. */
    caFile: absolutePath.optional(),
    /** PEM certificate and key to show. */
    certificateFile: absolutePath.optional(),
    keyFile: absolutePath.optional(),
  })
  .refine(
    ({ certificateFile, keyFile }) => (certificateFile === undefined) === (keyFile === undefined),
    'certificateFile and keyFile go together',
  );

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as `22:30`, in quotes');

const download = z.strictObject({
  /** Layers fetched at once. */
  parallelLayers: z.number().int().min(1).max(16).default(3),
  /** Of all layers together; no limit unless given. */
  bytesPerSecond: z.number().int().min(1_024).optional(),
  /** The time of day, local to the node, in which layers are fetched; over midnight when `to` is the earlier one. */
  window: z.strictObject({ from: timeOfDay, to: timeOfDay }).optional(),
});

const imageStore = z.strictObject({
  /** Disk that a pull must leave free. */
  reserveBytes: z
    .number()
    .int()
    .min(0)
    .default(64 * 1024 * 1024),
  /** Images that nothing has needed for so long are removed; 0 keeps them until the disk is needed. */
  keepUnusedHours: z.number().min(0).max(87_600).default(168),
});

const verification = z.strictObject({
  /** How often every stored layer is verified again. */
  everyHours: z.number().min(0.01).max(8_760).default(24),
  bytesPerSecond: z
    .number()
    .int()
    .min(4_096)
    .default(8 * 1024 * 1024),
});

const images = z.strictObject({
  /** `host[:port]` of registries that are spoken to over plain HTTP. */
  insecureRegistries: z.array(text).default([]),
  /** Docker `config.json` with credentials, or the helpers that have them. */
  authFile: absolutePath.optional(),
  /** Public keys (PEM) whose cosign signatures count; the name is what policies see. */
  keys: z.array(z.strictObject({ name: text, file: absolutePath })).default([]),
  /** Registries that are reached in another way than others. */
  registries: z.array(registry).default([]),
  download: download.prefault({}),
  store: imageStore.prefault({}),
  verify: verification.prefault({}),
});

const policy = z.strictObject({
  /** Folder of a compiled policy bundle; the built-in one unless given. */
  bundle: absolutePath.optional(),
  /** What the packs of the bundle are told, by pack; a pack denies every workload while it cannot understand its own. */
  settings: z.record(text, z.json()).default({}),
  /** What happens to a running pod that the policies of today deny. It is never started again either way. */
  onViolation: z.enum(['report', 'stop']).default('report'),
  /** Longest time one evaluation may take before it counts as a denial. */
  timeoutMs: z.number().int().min(10).max(60_000).default(1_000),
});

const telemetry = z.strictObject({
  /** Base URL of an OTLP/HTTP receiver, such as `http://127.0.0.1:4318`. Nothing is sent without it. */
  endpoint: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  environment: text.optional(),
  /** File with extra HTTP headers, one `name: value` a line, mode 0600. */
  headersFile: absolutePath.optional(),
  metricIntervalMs: z.number().int().min(100).max(3_600_000).default(60_000),
});

const paths = z.strictObject({
  state: absolutePath.default('/var/lib/holdfast'),
  run: absolutePath.max(LONGEST_RUN_DIR).default('/run/holdfast'),
  logs: absolutePath.default('/var/log/holdfast/pods'),
});

const seccomp = z.strictObject({
  /** OCI seccomp profiles that pods may name (`type: Localhost`). Files and folders must be root's alone to write. */
  profiles: absolutePath.default('/etc/holdfast/seccomp'),
});

const reconcile = z.strictObject({
  /** How often the kernel is compared with the desired state when nothing calls for it sooner. */
  scanIntervalMs: z.number().int().min(100).max(3_600_000).default(1_000),
  /** How long a new pod must run before it replaces the old one. */
  settleMs: z.number().int().min(0).max(3_600_000).default(2_000),
});

const range = (family: 4 | 6) =>
  z.string().refine((text) => parseSubnet(text)?.family === family, {
    error: `must be a range of IPv${family} addresses, beginning at its first one`,
  });

const network = z
  .strictObject({
    /** Where networks of pods get their IPv4 ranges from, unless they name one. What the node has a route to is left out. */
    pools: z.array(range(4)).min(1).max(16).default(['10.213.0.0/16', '10.214.0.0/16']),
    /** Bits of such a range: 24 is room for some 250 pods and services. */
    prefixLength: z.number().int().min(16).max(28).default(24),
    /** False makes networks without IPv6. */
    ipv6: z.boolean().default(true),
    /** Where networks get a /64 each from: a unique local range (RFC 4193); one of the node's own unless given. */
    pool6: range(6)
      .refine((text) => /^fd/i.test(text), 'must be a unique local range, which begin with `fd`')
      .optional(),
    /** Name servers of pods on networks, in place of those of the node. */
    nameservers: z
      .array(z.union([z.ipv4(), z.ipv6()]))
      .max(3)
      .default([]),
    /** File of the network namespace that networks are made in; the agent's own unless given. */
    namespace: absolutePath.optional(),
  })
  .refine(({ pools, prefixLength }) => pools.every((pool) => Number(pool.split('/')[1]) <= prefixLength), {
    path: ['prefixLength'],
    error: 'must be at least that of every pool',
  });

const logs = z.strictObject({
  maxBytes: z
    .number()
    .int()
    .min(4_096)
    .default(10 * 1024 * 1024),
  maxFiles: z.number().int().min(1).max(100).default(3),
});

/** The agent's configuration file. Every field but the source has a default. */
export const agentConfigSchema = z.strictObject({
  apiVersion: z.literal('holdfast.dev/v1alpha1'),
  kind: z.literal('AgentConfig'),
  node: node.prefault({}),
  source,
  images: images.prefault({}),
  policy: policy.prefault({}),
  telemetry: telemetry.prefault({}),
  paths: paths.prefault({}),
  seccomp: seccomp.prefault({}),
  reconcile: reconcile.prefault({}),
  logs: logs.prefault({}),
  network: network.prefault({}),
  /** Ids of the node that the user namespaces of pods are given, in ranges of 65536. Those of /etc/subuid and /etc/subgid are left out. */
  ids: z
    .strictObject({
      first: z.number().int().min(65_536).default(1_048_576),
      ranges: z.number().int().min(1).default(65_519),
    })
    .refine(({ first, ranges }) => first + ranges * 65_536 <= 0xffffffff, 'must end below 4294967295')
    .prefault({}),
  /** Our own cgroup below each hierarchy's root. What is above its last component must be there, such as a unit's. */
  cgroupRoot: z
    .string()
    .regex(/^\/[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)*$/, 'must be an absolute cgroup path such as /holdfast')
    .default('/holdfast'),
});

export type AgentConfig = z.output<typeof agentConfigSchema>;
