import * as z from 'zod';

/** An envelope as it stands in a bundle or in a layer of cosign 2. */
export const dsseEnvelope = z.object({
  payload: z.base64(),
  payloadType: z.literal('application/vnd.in-toto+json'),
  signatures: z
    .array(z.object({ sig: z.base64() }))
    .min(1)
    .max(64),
});

/** What DSSE signs instead of the bare body (DSSE protocol.md, PAE). */
export function preAuthentication(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body]);
}
