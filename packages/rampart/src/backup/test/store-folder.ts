// A data folder with one app, as a server keeps it, for the tests of backups.
import { join } from 'node:path'
import { commandId, position, streamId } from '../../core/codec/index.ts'
import type { EventStore, LogPlace } from '../../core/ports/index.ts'
import { openSqliteReadStore, openSqliteStore } from '../../sqlite/index.ts'

const shape = { name: 'notes', version: 1, log: 'default/shop/0', indexes: [], search: [] }

/** A log with its read model; both are closed by disposing of it. */
export interface OpenFolder extends AsyncDisposable {
  readonly log: EventStore
  /** Appends an event of a command; its place, or that of the first time. */
  readonly append: (number: number) => Promise<LogPlace>
  /** Moves the checkpoint of the read model to the head. */
  readonly project: () => Promise<void>
  readonly checkpoint: () => Promise<LogPlace>
}

/** Opens the stores of the app `shop` below a data folder. */
export async function openFolder(
  dataFolder: string,
  thread: 'worker' | 'caller' = 'caller',
): Promise<OpenFolder> {
  const folder = join(dataFolder, 'shop')
  const store = await openSqliteStore({ file: join(folder, 'write.sqlite'), thread })
  const log = await store.openLog(shape.log)
  const reads = await openSqliteReadStore({ file: join(folder, 'reads.sqlite'), thread })
  const collection = await reads.openCollection(shape, (await log.head()).epoch)
  return {
    log,
    async append(number) {
      const id = commandId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`)
      const event = { type: 'Noted', schemaVersion: 1, payload: new TextEncoder().encode(`"${number}"`) }
      const write = {
        decider: 'note',
        id: streamId('a'),
        expectedVersion: 'any' as const,
        events: [event],
      }
      const command = { id, fingerprint: 'f', outcome: null, expiresAtMs: null }
      const result = await log.append({ writes: [write], command })
      if (result.status === 'appended') return result.place
      if (result.status === 'repeated') return result.outcome.place
      throw new Error(`an append came to ${result.status}`)
    },
    async project() {
      const from = await collection.checkpoint()
      await collection.commit({ from, to: await log.head(), documents: [] })
    },
    checkpoint: collection.checkpoint,
    async [Symbol.asyncDispose]() {
      await reads[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

/** What the events of a log hold, in their order. */
export async function textsOf(log: EventStore): Promise<readonly string[]> {
  const texts: string[] = []
  for await (const { events } of log.readLog({ after: position(0) })) {
    for (const [index, { payload, position: at }] of events.entries()) {
      if (index === 0 && at !== texts.length + 1) throw new Error(`position ${at} follows ${texts.length}`)
      texts.push(JSON.parse(new TextDecoder().decode(payload)))
    }
  }
  return texts
}
