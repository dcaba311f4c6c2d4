// The gateway's command room: sends commands and tells what became of them.
export { commandEndpoints } from './endpoints.ts'
export type { CommandService } from '../../write/index.ts'
