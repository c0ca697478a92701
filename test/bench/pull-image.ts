import { createInterface } from 'node:readline';
import { createImageSource } from '../../agent/images/index.ts';

const [stateDir = '', registry = '', ...references] = process.argv.slice(2);

const { resolve, pull } = await createImageSource({
  stateDir,
  registries: { insecure: [registry], authFile: null },
  trustedKeys: [],
});
// As in an agent that has been idle for a while.
globalThis.gc?.();
process.stdout.write('ready\n');
for await (const _ of createInterface({ input: process.stdin })) break;
for (const reference of references) await pull((await resolve(reference)).facts.digest);
process.exit(0);
