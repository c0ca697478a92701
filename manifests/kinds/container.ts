import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { parseImageReference } from '../values/image-reference.ts';
import { absolutePath } from './absolute-path.ts';
import { containerPort } from './container-port.ts';
import { reportDuplicates } from './duplicates.ts';
import { envFromSource, envVar } from './environment.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { lifecycle } from './lifecycle.ts';
import { dnsLabel } from './names.ts';
import { resources } from './resources.ts';
import { securityContext } from './security-context.ts';
import { volumeMount } from './volume.ts';

const pullPolicy = z.enum(['Always', 'IfNotPresent'], {
  error: ({ input }) =>
    input === 'Never'
      ? '`Never` is not supported yet; `IfNotPresent` asks the registry once and never again'
      : undefined,
});

const image = z.string().transform((written, context) => {
  const reference = parseImageReference(written);
  if (typeof reference !== 'string') return reference;
  context.addIssue({ code: 'custom', message: `is not an image reference: ${reference}` });
  return z.NEVER;
});

const fields = {
  name: dnsLabel,
  image,
  imagePullPolicy: pullPolicy.optional(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  workingDir: absolutePath.optional(),
  env: z.array(envVar).optional(),
  envFrom: z.array(envFromSource).optional(),
  ports: z.array(containerPort).optional(),
  resources: resources.optional(),
  volumeMounts: z.array(volumeMount).optional(),
  lifecycle: lifecycle.optional(),
  securityContext: securityContext.optional(),
};

/** A container as written. */
export const container = strictFields(fields, UNSUPPORTED.container).superRefine(checkContainer);

/** An init container as written; with `restartPolicy: Always` it is a sidecar. */
export const initContainer = strictFields(
  { ...fields, restartPolicy: z.literal('Always').optional() },
  UNSUPPORTED.container.filter((field) => field !== 'restartPolicy'),
)
  .superRefine(checkContainer)
  .superRefine((written, context) => {
    if (written.restartPolicy === 'Always' || written.lifecycle?.postStart === undefined) return;
    const message = 'is only for containers that run on; remove it, or make this a sidecar (`restartPolicy: Always`)';
    context.addIssue({ code: 'custom', path: ['lifecycle', 'postStart'], message });
  });

/** The part of a container whose entries must differ. */
interface CheckedContainer {
  readonly env?: readonly { readonly name: string }[] | undefined;
  readonly ports?: readonly { readonly name?: string | undefined }[] | undefined;
  readonly volumeMounts?: readonly { readonly mountPath: string }[] | undefined;
}

function checkContainer({ env = [], ports = [], volumeMounts = [] }: CheckedContainer, context: z.RefinementCtx): void {
  reportDuplicates(context, {
    what: 'variable',
    items: env,
    keyOf: ({ name }) => name,
    stepsTo: (index) => ['env', index, 'name'],
  });
  reportDuplicates(context, {
    what: 'port name',
    items: ports,
    keyOf: ({ name }) => name,
    stepsTo: (index) => ['ports', index, 'name'],
  });
  reportDuplicates(context, {
    what: 'mount path',
    items: volumeMounts,
    keyOf: (mount) => mount.mountPath,
    stepsTo: (index) => ['volumeMounts', index, 'mountPath'],
  });
}

/** A container as written. */
export type WrittenContainer = z.output<typeof container>;

/** An init container as written. */
export type WrittenInitContainer = z.output<typeof initContainer>;
