// Seals: what writes them beside a running log.
export { createSealer } from './sealer.ts'
export type { Sealer, SealerOptions } from './sealer.ts'
