export * from './attestation-facts.ts';
export { DEFAULT_BUNDLE_DIR } from './bundle/bundle.ts';
export type { PackSettings } from './bundle/with-settings.ts';
export { openPolicyEngine, type PolicyEngine, type PolicyEngineOptions } from './engine/engine.ts';
export { PolicyError, type PolicyErrorCode } from './errors.ts';
export * from './image-facts.ts';
export * from './input.ts';
export * from './verdict.ts';
