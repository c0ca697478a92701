import * as z from 'zod';
import type { Handler } from './image-routes.ts';
import { readBody } from './read-body.ts';

const id = z.int().min(0).max(0xfffffffe);

const request = z.strictObject({
  target: z.string().min(1).max(512),
  image: z.string().min(1).max(1024),
  command: z.array(z.string()).max(1024),
  processesOf: z.string().nullable(),
  user: z.strictObject({ uid: id, gid: id.nullable() }).nullable(),
  capabilities: z.array(z.string()).max(64),
});

const LARGEST_BODY = 256 * 1024;

/** The call that attaches a container to a pod. */
export const DEBUG_ROUTES: Readonly<Record<string, Handler>> = {
  'POST /v1/debug': async (agent, incoming) =>
    agent.debug(request.parse(JSON.parse(await readBody(incoming, LARGEST_BODY, 'the command is too long')))),
};
