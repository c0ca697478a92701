import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';

/** A path below the node's directory of profiles that no `..` leads out of. */
const profilePath = z
  .string()
  .max(255)
  .regex(/^(?!.*(^|\/)\.{1,2}(\/|$))[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/, {
    error: 'must be a path below the profile directory of the node, such as `shop/web.json`, without `..`',
  });

/** Reports a profile that is named though the type takes none, and one that is missing. */
function checkLocalhost(
  { type, localhostProfile }: { readonly type: string; readonly localhostProfile?: string | undefined },
  context: z.RefinementCtx,
): void {
  if (type === 'Localhost' && localhostProfile === undefined) {
    context.addIssue({ code: 'custom', message: 'of type `Localhost` must have a `localhostProfile`' });
  }
  if (type !== 'Localhost' && localhostProfile !== undefined) {
    const message = 'belongs to type `Localhost` only; remove it, or change the type';
    context.addIssue({ code: 'custom', path: ['localhostProfile'], message });
  }
}

/** SeccompProfile as written. */
export const seccompProfile = strictFields(
  { type: z.enum(['RuntimeDefault', 'Unconfined', 'Localhost']), localhostProfile: profilePath.optional() },
  [],
).superRefine(checkLocalhost);

const appArmorType = z.enum(['Localhost', 'Unconfined'], {
  error: ({ input }) =>
    input === 'RuntimeDefault'
      ? '`RuntimeDefault` is not supported: Holdfast brings no AppArmor profile; load one and name it with `Localhost`'
      : undefined,
});

/** AppArmorProfile as written; `localhostProfile` is the name of a profile loaded on the node. */
export const appArmorProfile = strictFields(
  {
    type: appArmorType,
    localhostProfile: z
      .string()
      .max(255)
      .regex(/^[A-Za-z0-9_.+:/-]+$/, { error: 'must be the name of a profile that is loaded on the node' })
      .optional(),
  },
  [],
).superRefine(checkLocalhost);

const labelPart = z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, { error: 'must be letters, digits, `_`, `-` and `.`' });

/** SELinuxOptions as written. */
export const seLinuxOptions = strictFields(
  {
    user: labelPart.optional(),
    role: labelPart.optional(),
    type: labelPart.optional(),
    level: z
      .string()
      .regex(/^s\d{1,2}(-s\d{1,2})?(:c\d{1,4}([.,]c\d{1,4})*)?$/, { error: 'must be a level such as `s0:c1,c2`' })
      .optional(),
  },
  [],
);
