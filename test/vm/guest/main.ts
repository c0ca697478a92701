import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Phase } from '../boots.ts';
import { afterPowerCutSuite } from './after-power-cut.ts';
import { runSuite } from './check.ts';
import { endSuite } from './end-suite.ts';
import { readGuestWorld } from './guest-world.ts';
import { tellHost } from './host-line.ts';
import { convergeIntoPowerCut } from './power-cut.ts';
import { runSuites } from './suites.ts';
import { systemdSuite } from './systemd-suite.ts';
import { startWorldRegistry } from './world-registry.ts';

const { commits, ownLayers } = readGuestWorld();
const [v1 = '', v2 = '', v3 = ''] = commits;

const PHASES: Readonly<Record<Phase, () => Promise<void>>> = {
  contract: () => runSuites('contract'),
  kernel: () => runSuites('kernel'),
  native: () => runSuites('native'),
  escape: () => runSuites('escape'),
  runtime: () => runSuites('runtime'),
  agent: () =>
    runSuite('agent under systemd', async (suite) => {
      const registry = await startWorldRegistry();
      await systemdSuite(suite, v1);
      registry.holdBack(ownLayers[1] ?? '');
      await convergeIntoPowerCut(suite, { commit: v2, moment: 'pulling' });
    }),
  'after-cut-while-pulling': () =>
    runSuite('after a power cut while pulling', async (suite) => {
      await startWorldRegistry();
      await afterPowerCutSuite(suite, v2);
      await convergeIntoPowerCut(suite, { commit: v3, moment: 'starting' });
    }),
  'after-cut-while-starting': () =>
    runSuite('after a power cut while starting', async (suite) => {
      await startWorldRegistry();
      await afterPowerCutSuite(suite, v3);
      await endSuite(suite);
    }),
};

tellHost({ type: 'up' });
const phase = /\bholdfast\.phase=(\S+)/.exec(readFileSync('/proc/cmdline', 'utf8'))?.[1] as Phase;
await PHASES[phase]();
tellHost({ type: 'finished' });
execFileSync('systemctl', ['poweroff', '--no-block']);
