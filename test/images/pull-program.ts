import { openSource } from './open-source.ts';

const [stateDir = '', registry = '', reference = '', bytesPerSecond] = process.argv.slice(2);

const pulling = bytesPerSecond === undefined ? {} : { bytesPerSecond: Number(bytesPerSecond) };
const source = await openSource(stateDir, [registry], { pulling });
process.stdout.write('opened\n');
const { facts } = await source.resolve(reference);
await source.pull(facts.digest);
process.stdout.write('pulled\n');
