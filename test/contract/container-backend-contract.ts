import { describe } from '@jest/globals';
import type { ContractGround } from './contract-ground.ts';
import { contractStage } from './contract-stage.ts';
import { execContract } from './exec-contract.ts';
import { limitsContract } from './limits-contract.ts';
import { networkContract } from './network-contract.ts';
import { pauseContract } from './pause-contract.ts';
import { sandboxContract } from './sandbox-contract.ts';
import { startContract } from './start-contract.ts';
import { statsContract } from './stats-contract.ts';
import { stopContract } from './stop-contract.ts';
import { volumeContract } from './volume-contract.ts';

export type { ContractGround } from './contract-ground.ts';

/** The contract of native/backend.ts, as tests of the backend that `setup` gives. */
export function containerBackendContract(name: string, setup: () => Promise<ContractGround>): void {
  describe(`the ${name} backend`, () => {
    const stage = contractStage(setup);
    sandboxContract(stage);
    startContract(stage);
    stopContract(stage);
    pauseContract(stage);
    execContract(stage);
    limitsContract(stage);
    statsContract(stage);
    networkContract(stage);
    volumeContract(stage);
  });
}
