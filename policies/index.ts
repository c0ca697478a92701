export * from './input.ts';
export * from './verdict.ts';
