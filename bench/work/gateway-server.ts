// Serves the accounts of the benchmarks as `rampart run` would, and prints where.
import { startHost } from 'rampart/host'
import { writeOnlyBank } from './bank.ts'

const host = await startHost({ mounts: [{ prefix: '', app: writeOnlyBank }] })
console.log(host.url)
process.once('SIGTERM', () => {
  host.drain().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
