// What a host uses to say in a database that it runs.
export { registerProcess } from './register-process.ts'
export type { ProcessRegister } from './register-process.ts'
