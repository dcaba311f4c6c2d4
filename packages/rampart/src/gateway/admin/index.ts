// The gateway's admin room: what operators may see of the logs.
export { adminEndpoints } from './events.ts'
