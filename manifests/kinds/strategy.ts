import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';

/** A number of pods, or a part of the replicas in percent. */
export type PodShare = { readonly pods: number } | { readonly percent: number };

const MOST_PODS = 1_000;

const share = z
  .union([z.number(), z.string()], { error: 'must be a number of pods, or a percentage such as `25%`' })
  .transform((written, context): PodShare => {
    const pods = typeof written === 'number' ? written : -1;
    if (Number.isInteger(pods) && pods >= 0 && pods <= MOST_PODS) return { pods };
    const percent = Number(/^(\d{1,3})%$/.exec(String(written))?.[1] ?? -1);
    if (percent >= 0 && percent <= 100) return { percent };
    const message = `must be a whole number from 0 to ${MOST_PODS} without quotes, or a percentage from \`0%\` to \`100%\``;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const rollingUpdate = strictFields({ maxSurge: share.optional(), maxUnavailable: share.optional() }, []).superRefine(
  ({ maxSurge, maxUnavailable }, context) => {
    if (!isZero(maxSurge) || !isZero(maxUnavailable)) return;
    const message = 'must not be 0 when `maxSurge` is 0: no pod could ever be replaced; raise one of them';
    context.addIssue({ code: 'custom', path: ['maxUnavailable'], message });
  },
);

/** DeploymentStrategy as written. */
export const strategy = strictFields(
  { type: z.enum(['RollingUpdate', 'Recreate']).optional(), rollingUpdate: rollingUpdate.optional() },
  [],
).superRefine((written, context) => {
  if (written.type !== 'Recreate' || written.rollingUpdate === undefined) return;
  const message = 'has no meaning with type `Recreate`; remove one of the two';
  context.addIssue({ code: 'custom', path: ['rollingUpdate'], message });
});

/** DeploymentStrategy as written. */
export type Strategy = z.output<typeof strategy>;

function isZero(written: PodShare | undefined): boolean {
  if (written === undefined) return false;
  return 'pods' in written ? written.pods === 0 : written.percent === 0;
}
