import { containerBackendContract } from '../contract/container-backend-contract.ts';
import { openKernelGround } from './kernel-ground.ts';

containerBackendContract('kernel', openKernelGround);
