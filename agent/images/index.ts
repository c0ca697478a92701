export { createImageSource, type ImageSourceOptions } from './create-image-source.ts';
export type * from './evidence.ts';
export * from './image-admin.ts';
export * from './image-source.ts';
export type { PullProgress } from './progress.ts';
export { type Unmet, type UnmetRule, unmetDemands } from './signature/unmet-demands.ts';
export type { StoredImages } from './stored-images.ts';
export { startUpkeep, type Upkeep, type UpkeepSettings } from './upkeep.ts';
export type { LayerVerdict } from './verify/verify-layer.ts';
