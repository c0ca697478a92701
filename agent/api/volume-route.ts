import * as z from 'zod';
import type { Handler } from './image-routes.ts';
import { readBody } from './read-body.ts';

const label = z.string().min(1).max(253);
const named = z.strictObject({ namespace: label, name: label });

const LARGEST_BODY = 4 * 1024;

/** The call that removes a volume. */
export const VOLUME_ROUTES: Readonly<Record<string, Handler>> = {
  'POST /v1/volumes/discard': async (agent, request) =>
    agent.discardVolume(named.parse(JSON.parse(await readBody(request, LARGEST_BODY, 'a name is not that long')))),
};
