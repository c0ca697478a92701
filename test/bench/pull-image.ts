import { createImageSource } from '../../agent/images/index.ts';

const [stateDir = '', registry = '', ...references] = process.argv.slice(2);

const { resolve, pull } = await createImageSource({
  stateDir,
  registries: { insecure: [registry], authFile: null },
  trustedKeys: [],
});
for (const reference of references) await pull((await resolve(reference)).facts.digest);
