// The gateway's admin room: what operators may see of logs and read models, and what they do about them.
export type { Elsewhere } from './ask-elsewhere.ts'
export { adminEndpoints } from './events.ts'
export { quarantineEndpoints } from './quarantine.ts'
export { rebuildEndpoints } from './rebuild.ts'
