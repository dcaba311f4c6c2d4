// Fills a log with deposits, as fast as the store takes them; used where a long log is what is measured.
import { join } from 'node:path'
import { streamId } from 'rampart/codec'
import { logKey } from 'rampart/ports'
import { openSqliteStore } from 'rampart/sqlite'
import { deposit } from './bank.ts'

const encoder = new TextEncoder()
const eventsPerAppend = 500

/** Writes `eventCount` deposits of 300 bytes into 1,000 streams, naming `groupCount` groups in turn. */
export async function fillLog(dataFolder: string, eventCount: number, groupCount: number): Promise<void> {
  await using database = await openSqliteStore({ file: storeFile(dataFolder), thread: 'caller' })
  const log = await database.openLog(logKey('bank'))
  for (let first = 0; first < eventCount; first += eventsPerAppend) {
    const events = Array.from({ length: Math.min(eventsPerAppend, eventCount - first) }, (_, index) => ({
      type: 'MoneyDeposited',
      schemaVersion: 1,
      payload: encoder.encode(JSON.stringify(deposit(first + index, groupCount))),
    }))
    const id = streamId(`account-${(first / eventsPerAppend) % 1000}`)
    await log.append({ writes: [{ decider: 'account', id, expectedVersion: 'any', events }] })
  }
}

/** The file of the events below a data folder. */
export function storeFile(dataFolder: string): string {
  return join(dataFolder, 'bank', 'write.sqlite')
}
