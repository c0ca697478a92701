export { createImageSource, type ImageSourceOptions } from './create-image-source.ts';
export * from './image-source.ts';
