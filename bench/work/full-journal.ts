// Appends to a store until its write-ahead log is as long as it gets before it is taken over into the file,
// says so, and waits to be killed. The file is the first argument.
import { statSync } from 'node:fs'
import { streamId } from 'rampart/codec'
import { logKey } from 'rampart/ports'
import { openSqliteStore } from 'rampart/sqlite'

const [file = ''] = process.argv.slice(2)
// The store takes the log over at 16,000 pages of 4 KiB; this stays just below that.
const journalBytes = 60 * 1024 * 1024
const store = await openSqliteStore({ file, thread: 'caller' })
const log = await store.openLog(logKey('bank'))
const payload = new TextEncoder().encode(JSON.stringify({ cents: 1, group: 'a', note: 'x'.repeat(240) }))
const events = Array.from({ length: 20 }, () => ({ type: 'MoneyDeposited', schemaVersion: 1, payload }))
while (statSync(`${file}-wal`).size < journalBytes) {
  // oxlint-disable-next-line no-await-in-loop -- the length is looked at after each
  await log.append({
    writes: [{ decider: 'account', id: streamId('account-0'), expectedVersion: 'any', events }],
  })
}
console.log('full')
setInterval(() => undefined, 60_000)
