import { containerStart } from './container-start.ts';
import { engines } from './engines.ts';
import { growth } from './growth.ts';
import { images } from './images.ts';
import { logThroughput } from './logs.ts';
import { manyPods } from './many-pods.ts';
import { agentMemory } from './memory.ts';
import { planning } from './no-op.ts';
import { policies } from './policy.ts';
import { type BenchGroup, renderGroup } from './report.ts';

const GROUPS: readonly BenchGroup[] = [
  containerStart,
  engines,
  manyPods,
  growth,
  logThroughput,
  planning,
  policies,
  images,
  agentMemory,
];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !GROUPS.some((group) => group.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: no group ${unknown.join(', ')}; there are ${GROUPS.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}
for (const group of GROUPS) {
  if (asked.length > 0 && !asked.includes(group.name)) continue;
  process.stdout.write(renderGroup(group, await group.run()));
}
process.exit(0);
