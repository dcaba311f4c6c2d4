// Appends to a log on PostgreSQL in a process of its own, beside others: waits for a word on its standard
// input, and prints what it did as JSON.
import { once } from 'node:events'
import { systemRuntime } from 'rampart'
import { logKey } from 'rampart/ports'
import { openPostgresStore } from 'rampart/postgres'
import { createSealer } from 'rampart/seal'
import { drive, driveFor, type Period } from '../measure.ts'
import { requestOf } from './postgres-appends.ts'

/** What a writer is asked to do. */
export interface Writing extends Period {
  readonly url: string
  readonly name: string
  readonly callers: number
}

const [text = ''] = process.argv.slice(2)
// What the benchmark passes.
const { url, name, callers, ...period }: Writing = JSON.parse(text)
await using store = await openPostgresStore({ url })
const log = await store.openLog(logKey('bench'))
const append = async (id: string, operation: number): Promise<void> => {
  const { status } = await log.append(requestOf(id, 0, { operation }))
  if (status !== 'appended') throw new Error(`The append came to ${status}.`)
}
await drive(callers, 300, (operation) => append(`account-${name}-before-${operation}`, operation))
const sealer = createSealer({ store: log, runtime: systemRuntime })
console.log('ready')
await once(process.stdin, 'data')
const round = await driveFor(callers, period, (operation) =>
  append(`account-${name}-${operation}`, operation),
)
await sealer.stop()
console.log(JSON.stringify(round))
process.stdin.unref()
