import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { Agent } from '../loop/agent.ts';
import { readBody } from './read-body.ts';

/** Answers one call. */
export type Handler = (agent: Agent, request: IncomingMessage) => unknown;

const name = z.string().min(1).max(1024);
const named = z.strictObject({ name });
const fetched = z.strictObject({ reference: name, from: name.nullable() });
const verified = z.strictObject({ name: name.nullable(), repair: z.enum(['repair', 'report']) });
const pruned = z.strictObject({ mode: z.enum(['remove', 'show']) });

const LARGEST_BODY = 16 * 1024;

/** The calls about images. */
export const IMAGE_ROUTES: Readonly<Record<string, Handler>> = {
  'GET /v1/images': ({ images }) => images.list(),
  'GET /v1/pulls': ({ images }) => images.pulls(),
  'POST /v1/images/inspect': async ({ images }, request) => images.inspect((await read(request, named)).name),
  'POST /v1/images/fetch': async ({ images }, request) => {
    const { reference, from } = await read(request, fetched);
    return images.fetch(reference, from);
  },
  'POST /v1/images/discard': async ({ images }, request) => {
    await images.discard((await read(request, named)).name);
    return {};
  },
  'POST /v1/images/verify': async ({ images }, request) => {
    const { name: which, repair } = await read(request, verified);
    return images.verify(which, repair);
  },
  'POST /v1/images/prune': async ({ images }, request) => images.prune((await read(request, pruned)).mode),
};

async function read<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(JSON.parse(await readBody(request, LARGEST_BODY, 'the call is larger than one about images is')));
}
