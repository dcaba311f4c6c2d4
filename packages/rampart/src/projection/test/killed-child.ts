// The child of the kill tests: follows a log and appends to it until it is killed, in the folder that it is
// given.
import { join } from 'node:path'
import { systemRuntime } from '../../core/index.ts'
import { logKey } from '../../core/ports/index.ts'
import { openSqliteReadStore, openSqliteStore } from '../../sqlite/index.ts'
import { createProjectionRunner } from '../create-projection-runner.ts'
import { append, customers, make, orders, products } from './shop.ts'

const [folder = '', thread = 'worker', seed = '0'] = process.argv.slice(2)
const where = thread === 'worker' ? 'worker' : 'caller'
const store = await openSqliteStore({ file: join(folder, 'write.sqlite'), thread: where })
const reads = await openSqliteReadStore({ file: join(folder, 'reads.sqlite'), thread: where })
const log = await store.openLog(logKey('shop'))
const options = { store: log, readStore: reads, runtime: systemRuntime, batchSize: 7 }
const runners = await Promise.all(
  [orders, customers, products].map((of) => createProjectionRunner({ ...options, projection: of })),
)
for (let number = 0; ; number++) {
  const id = `${seed}-${number % 40}`
  const bought = ['mug', `p${number % 5}`]
  const batch = [make.placed(id, `c${number % 9}`, { pence: number, products: bought }), make.noted(id)]
  if (number % 6 === 5) batch.push(make.forgotten(`${seed}-${(number - 3) % 40}`))
  await append(log, ...batch)
  // A dot per append from the first batch of every projection on, so that the parent can tell how far it is.
  if (runners.every((runner) => runner.reached().position > 0)) process.stdout.write('.')
}
