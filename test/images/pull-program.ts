import { openSource } from './open-source.ts';

const [stateDir = '', registry = '', reference = ''] = process.argv.slice(2);

const source = await openSource(stateDir, [registry]);
process.stdout.write('opened\n');
const { facts } = await source.resolve(reference);
await source.pull(facts.digest);
process.stdout.write('pulled\n');
