// A child of the tests of leases: runs projections in turn with others until it is told to stop.
// Its clock is six times as fast, so that leases run out in a second and a half.
import { systemRuntime, type Runtime } from '../../core/index.ts'
import { logKey, type ReadStore } from '../../core/ports/index.ts'
import { runProjections } from '../../projection/index.ts'
import { customers, orders } from '../../projection/test/shop.ts'
import { openPostgresReadStore, openPostgresStore } from '../index.ts'

const hurry = 6
const runtime: Runtime = {
  ...systemRuntime,
  elapsedMs: () => systemRuntime.elapsedMs() * hurry,
  setTimer: (delayMs, ...more) => systemRuntime.setTimer(delayMs / hurry, ...more),
}

/** The same leases for a sixth of the time, by the clock of the server, which does not hurry. */
function hurried(store: ReadStore): ReadStore {
  const { leases } = store
  if (leases === undefined) throw new Error('PostgreSQL has leases.')
  return {
    ...store,
    leases: {
      ...leases,
      take: (request) => leases.take({ ...request, leaseMs: request.leaseMs / hurry }),
      renew: (lease, leaseMs) => leases.renew(lease, leaseMs / hurry),
    },
  }
}

const [url = '', version = '1', parts = '1'] = process.argv.slice(2)
const write = await openPostgresStore({ url, role: 'rampart_projector', runtime })
const read = await openPostgresReadStore({ url, runtime })
const running = await runProjections({
  projections: [orders, customers].map((one) => ({ ...one, version: Number(version), parts: Number(parts) })),
  store: await write.openLog(logKey('shop')),
  readStore: hurried(read),
  runtime,
  reportFault: (fault, what) => process.stdout.write(`${what}: ${String(fault)}\n`),
})
process.once('SIGTERM', () => {
  void running.stop().then(async () => {
    await Promise.all([read[Symbol.asyncDispose](), write[Symbol.asyncDispose]()])
    process.exit(0)
  })
})
process.stdout.write('runs\n')
