// A process for the kill test: appends to a log without an end while it is sealed, until it is killed.
import { streamId } from '../../core/codec/index.ts'
import { systemRuntime } from '../../core/index.ts'
import { openSqliteStore } from '../../sqlite/index.ts'
import { createSealer } from '../index.ts'

const store = await openSqliteStore({ file: process.argv[2] ?? '', thread: 'caller' })
const log = await store.openLog('default/flood/0')
createSealer({ store: log, runtime: systemRuntime })
const event = { type: 'Flooded', schemaVersion: 1, payload: new TextEncoder().encode('{}') }

async function appendAll(id: string): Promise<never> {
  for (;;) {
    const events = Array.from({ length: 2 }, () => event)
    // oxlint-disable-next-line no-await-in-loop -- each caller waits for its own
    await log.append({ writes: [{ decider: 'flood', id: streamId(id), expectedVersion: 'any', events }] })
  }
}

await Promise.all(Array.from({ length: 4 }, (_, index) => appendAll(`s${index}`)))
