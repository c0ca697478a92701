import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { limitsRecord } from './limits-record.ts';
import { type ProcessProfile, processProfile } from './process-profile.ts';

const process = z.strictObject({ pid: z.int().positive(), startTime: z.int().nonnegative() });
const labels = z.record(z.string(), z.string());

const network = z.strictObject({
  name: z.string(),
  subnet4: z.string(),
  subnet6: z.string().nullable(),
  isOutbound: z.boolean(),
});

const direction = z.enum(['ingress', 'egress']);
const names = z.array(z.string());
const protocol = z.enum(['tcp', 'udp']);
const addresses = z.strictObject({ ipv4: z.string(), ipv6: z.string().nullable() });

const trafficRules = z.strictObject({
  guards: z.array(z.strictObject({ sandbox: z.string(), directions: z.array(direction) })),
  allowed: z.array(
    z.strictObject({
      direction,
      subjects: names,
      peers: z
        .strictObject({
          sandboxes: names,
          ranges: z.array(z.strictObject({ first: z.string(), last: z.string() })),
        })
        .nullable(),
      ports: z.array(z.strictObject({ protocol, first: z.int(), last: z.int() })).nullable(),
    }),
  ),
  services: z.array(
    z.strictObject({
      name: z.string(),
      names,
      networks: names,
      isHeadless: z.boolean(),
      ports: z.array(z.strictObject({ protocol, port: z.int() })),
      backends: z.array(z.strictObject({ sandbox: z.string(), ports: z.array(z.int().nullable()) })),
    }),
  ),
});

const traffic = z.strictObject({
  rules: trafficRules,
  /** The services' own addresses, by network and service. */
  addresses: z.record(z.string(), z.record(z.string(), addresses)),
});

const bridged = z.strictObject({
  type: z.literal('bridge'),
  networks: z.array(
    z.strictObject({ name: z.string(), aliases: z.array(z.string()), ipv4: z.string(), ipv6: z.string().nullable() }),
  ),
  ports: z.array(
    z.strictObject({
      protocol,
      hostIp: z.string().nullable(),
      hostPort: z.int(),
      containerPort: z.int(),
    }),
  ),
  /** Directions it was born guarded in. */
  guards: z.array(direction).optional(),
  /** Lines of its own hosts file. */
  hosts: z.array(z.strictObject({ address: z.string(), names })).optional(),
});

const forwarding = z.strictObject({ ipv4: z.string(), ipv6: z.string().nullable() });

const sandbox = z.strictObject({
  id: z.string(),
  labels,
  hostname: z.string(),
  network: z.union([z.enum(['private', 'host']), bridged]),
  /** Absent for each container's own. */
  processes: z.enum(['shared', 'host']).optional(),
  /** Absent for the pod's own. */
  ipc: z.literal('host').optional(),
  /** First node id of the pod's range of 65536; null shares the node's users. */
  idBase: z.int().positive().nullable(),
  bootId: z.string(),
  /** Null until its namespaces exist. */
  holder: process.nullable(),
  /** Log files that go when the sandbox goes. */
  logPaths: z.array(z.string()),
});

const container = z.strictObject({
  sandboxId: z.string(),
  name: z.string(),
  labels,
  /** Counts the starts under this name; the root and the exit record belong to one of them. */
  attempt: z.int().positive(),
  bootId: z.string(),
  /** Null until its program is exec'd. */
  running: z.strictObject({ init: process, shim: process }).nullable(),
  /** Its postStart command has not ended yet; an agent that finds this later knows nobody saw how it did. */
  isStarting: z.literal(true).optional(),
  startedAt: z.number(),
  stopSignal: z.string(),
  applied: limitsRecord,
  /** The cgroup's count of OOM kills when this attempt began. */
  oomKillsBefore: z.number(),
  /** Settings this node's kernel refused in full. */
  clamped: z.array(z.enum(['rlimits', 'oomScoreAdj', 'memoryHigh', 'ioWeight'])),
});

const exit = z.strictObject({
  /** -1 when a signal ended it. */
  code: z.int(),
  /** 0 when it exited. */
  signal: z.int(),
  finishedAt: z.number(),
  droppedLogLines: z.number(),
});

/** A network as kept on disk, written before anything of it exists in the kernel. */
export type NetworkRecord = Readonly<z.infer<typeof network>>;
/** A sandbox's place on networks, with the addresses it was given. */
export type BridgedRecord = Readonly<z.infer<typeof bridged>>;
/** Who may talk to whom, as last applied, and the addresses that services were given. */
export type TrafficRecord = Readonly<z.infer<typeof traffic>>;
/** What the kernel's forwarding settings were before the first network; null where nothing was changed. */
export type ForwardingRecord = Readonly<z.infer<typeof forwarding>>;
/** A sandbox as kept on disk, written before anything of it exists in the kernel. */
export type SandboxRecord = Readonly<z.infer<typeof sandbox>>;
/** A sandbox whose record puts it on networks. */
export type BridgedSandbox = SandboxRecord & { readonly network: BridgedRecord };
/** A container as kept on disk, written before anything of it exists in the kernel. */
export type ContainerRecord = Readonly<z.infer<typeof container>>;
/** What a shim wrote when its container ended. */
export type ExitRecord = Readonly<z.infer<typeof exit>>;

/** `absent`: no such file. `invalid`: a file that is no record of ours. */
export type Found<T> =
  | { readonly state: 'found'; readonly record: T }
  | { readonly state: 'absent' }
  | { readonly state: 'invalid' };

/** Reads one network record. @throws the file system's error other than ENOENT. */
export function readNetwork(path: string): Found<NetworkRecord> {
  return read(path, network);
}

/** Reads the record of the traffic rules. @throws the file system's error other than ENOENT. */
export function readTraffic(path: string): Found<TrafficRecord> {
  return read(path, traffic);
}

/** Reads the record of the forwarding settings. @throws the file system's error other than ENOENT. */
export function readForwarding(path: string): Found<ForwardingRecord> {
  return read(path, forwarding);
}

/** Reads one sandbox record. @throws the file system's error other than ENOENT. */
export function readSandbox(path: string): Found<SandboxRecord> {
  return read(path, sandbox);
}

/** Reads one container record. @throws the file system's error other than ENOENT. */
export function readContainer(path: string): Found<ContainerRecord> {
  return read(path, container);
}

/** Reads how one container is confined. @throws the file system's error other than ENOENT. */
export function readProfile(path: string): Found<ProcessProfile> {
  return read(path, processProfile);
}

/** Reads one exit record. @throws the file system's error other than ENOENT. */
export function readExit(path: string): Found<ExitRecord> {
  return read(path, exit);
}

function read<T>(path: string, schema: z.ZodType<T>): Found<T> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { state: 'absent' };
    throw error;
  }
  try {
    return { state: 'found', record: schema.parse(JSON.parse(text)) };
  } catch {
    return { state: 'invalid' };
  }
}
