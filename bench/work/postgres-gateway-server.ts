// Serves the accounts of the benchmarks with their balances as `rampart run` would, in the roles that a
// setting names, and prints where.
import { startHost } from 'rampart/host'
import { bank } from './bank.ts'

const host = await startHost({ mounts: [{ prefix: '', app: bank }] })
console.log(host.url)
process.once('SIGTERM', () => {
  host.drain().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
