import * as z from 'zod';
import type { ContainerLaunch } from '../launch/launch-spec.ts';
import type { OciProcess } from '../oci.ts';

/** How a container's processes are confined and what they get: what a program run in it later gets too. */
export const processProfile = z.strictObject({
  env: z.array(z.string()),
  /** Names of variables whose values are not written down. */
  heldVariables: z.array(z.string()).default([]),
  cwd: z.string(),
  user: z.strictObject({
    uid: z.number(),
    gid: z.number(),
    umask: z.number(),
    additionalGids: z.array(z.number()),
  }),
  capabilities: z.array(z.string()),
  noNewPrivileges: z.boolean(),
  oomScoreAdj: z.number(),
  rlimits: z.array(z.strictObject({ type: z.string(), soft: z.number(), hard: z.number() })),
  /** The very filter the container runs under, BPF in base64; empty runs unconfined. */
  seccompFilter: z.string(),
  apparmorProfile: z.string().nullable().default(null),
  selinuxLabel: z.string().nullable().default(null),
});

export type ProcessProfile = Readonly<z.infer<typeof processProfile>>;

/**
 * @param held names of variables whose values must not be written down.
 * @returns the profile of a container's process, with the filter and the labels of its launch.
 */
export function profileOf(process: OciProcess, launch: ContainerLaunch, held: readonly string[] = []): ProcessProfile {
  const { env, cwd, user, capabilities, noNewPrivileges, oomScoreAdj, rlimits } = process;
  return {
    env: env.filter((entry) => !held.includes(entry.slice(0, entry.indexOf('=')))),
    heldVariables: [...held],
    cwd,
    user: { ...user, additionalGids: [...user.additionalGids] },
    capabilities: [...capabilities],
    noNewPrivileges,
    oomScoreAdj,
    rlimits: rlimits.map((limit) => ({ ...limit })),
    seccompFilter: Buffer.from(launch.seccompFilter).toString('base64'),
    apparmorProfile: launch.apparmorProfile,
    selinuxLabel: launch.selinuxLabel,
  };
}
