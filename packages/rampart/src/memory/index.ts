// The adapter in memory: for tests and for trying things out.
export { createMemoryStore } from './write-store.ts'
export type { MemoryStoreOptions } from './write-store.ts'
