import * as z from 'zod';
import { seccomp } from '../../seccomp/profile-schema.ts';
import { refused } from './refused.ts';
import { resourcesSchema } from './resources-schema.ts';
import { cpuAffinity, ioPriority, scheduler } from './schedule-schema.ts';

const whole = z.number().refine((value) => Number.isInteger(value) && value >= 0, 'expected a whole number from 0');
const id = z.int().min(0).max(0xfffffffe);
const absolute = z.string().startsWith('/', 'expected an absolute path');
const names = z.array(z.string()).default([]);

const label = z
  .string()
  .nullish()
  .transform((text) => text || null);

/** A process as config.json and `exec --process` have it. */
export const bundleProcess = z.object({
  terminal: z.boolean().default(false),
  consoleSize: z.object({ height: z.int().min(0).max(65535), width: z.int().min(0).max(65535) }).optional(),
  user: z.object({
    uid: id,
    gid: id,
    umask: z.int().min(0).max(0o777).default(0o022),
    additionalGids: z.array(id).default([]),
  }),
  args: z.array(z.string()).min(1),
  env: z.array(z.string()).default([]),
  cwd: absolute,
  capabilities: z
    .object({ bounding: names, effective: names, permitted: names, inheritable: names, ambient: names })
    .optional(),
  rlimits: z.array(z.object({ type: z.string(), soft: whole, hard: whole })).default([]),
  noNewPrivileges: z.boolean().default(false),
  oomScoreAdj: z.int().min(-1000).max(1000).optional(),
  apparmorProfile: label,
  selinuxLabel: label,
  scheduler: scheduler.optional(),
  ioPriority: ioPriority.optional(),
  execCPUAffinity: cpuAffinity.optional(),
});

const mapping = z.object({ containerID: id, hostID: id, size: z.int().positive() });
const mappings = z.array(mapping).default([]);

const mount = z.object({
  destination: z.string().min(1),
  type: z.string().default('none'),
  source: z.string().default('none'),
  options: z
    .array(z.string())
    .nullish()
    .transform((options) => options ?? []),
  uidMappings: mappings,
  gidMappings: mappings,
});

const hook = z.object({
  path: absolute,
  args: z.array(z.string()).optional(),
  env: z.array(z.string()).default([]),
  /** Seconds. */
  timeout: z.number().positive().optional(),
});
const hooks = z.array(hook).default([]);

const type = z.enum(['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time']);

const noFlags = z.array(z.string()).max(0, 'there are none: leave them out').nullish();
/** By which personality(2) is called. */
const personality = z.object({ domain: z.enum(['LINUX', 'LINUX32']), flags: noFlags });
const timeOffset = z.object({ secs: z.int().default(0), nanosecs: z.int().min(0).max(999_999_999).default(0) });

const device = z.object({
  type: z.enum(['c', 'b', 'u', 'p']),
  path: absolute,
  major: whole.default(0),
  minor: whole.default(0),
  /** Some engines leave the bits of the type in. */
  fileMode: z
    .int()
    .min(0)
    .max(0o177777)
    .default(0o666)
    .transform((mode) => mode & 0o7777),
  uid: id.default(0),
  gid: id.default(0),
});

const NO_RESOURCES = resourcesSchema.parse({});

const linux = z.object({
  namespaces: z.array(z.object({ type, path: absolute.or(z.literal('')).optional() })).default([]),
  uidMappings: mappings,
  gidMappings: mappings,
  devices: z.array(device).default([]),
  cgroupsPath: z.string().optional(),
  resources: resourcesSchema.nullish().transform((resources) => resources ?? NO_RESOURCES),
  sysctl: z.record(z.string(), z.string()).default({}),
  seccomp: seccomp.optional(),
  rootfsPropagation: z
    .enum(['', 'private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared', 'unbindable'])
    .default(''),
  maskedPaths: names,
  readonlyPaths: names,
  intelRdt: refused,
  mountLabel: label,
  netDevices: refused,
  memoryPolicy: refused,
  personality: personality.nullish().transform((asked) => asked ?? null),
  timeOffsets: z.partialRecord(z.enum(['monotonic', 'boottime']), timeOffset).default({}),
});

/**
 * A bundle's config.json: every field of the specification is carried out or refused by name; fields that are none of
 * its are passed over, as it demands. https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md
 */
export const bundleConfig = z.object({
  ociVersion: z.string().regex(/^1\.\d+\.\d+/, 'expected a version 1 of the runtime-spec'),
  root: z.object({ path: z.string().min(1), readonly: z.boolean().default(false) }),
  process: bundleProcess.optional(),
  hostname: z.string().default(''),
  domainname: z.string().default(''),
  mounts: z.array(mount).default([]),
  hooks: z
    .object({
      prestart: hooks,
      createRuntime: hooks,
      createContainer: hooks,
      startContainer: hooks,
      poststart: hooks,
      poststop: hooks,
    })
    .default({ prestart: [], createRuntime: [], createContainer: [], startContainer: [], poststart: [], poststop: [] }),
  annotations: z.record(z.string(), z.string()).default({}),
  linux,
  vm: refused,
  solaris: refused,
  windows: refused,
  zos: refused,
});

export type BundleConfig = Readonly<z.infer<typeof bundleConfig>>;
export type BundleProcess = Readonly<z.infer<typeof bundleProcess>>;
export type BundleMount = BundleConfig['mounts'][number];
export type BundleHooks = BundleConfig['hooks'];
export type BundleHook = BundleHooks['prestart'][number];
/** Form of the hooks, for a container's record. */
export const bundleHooks = bundleConfig.shape.hooks;
/** Form of a filter, for the same. */
export const bundleSeccomp = seccomp;
