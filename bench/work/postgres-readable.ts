// From a command to its effect in a read model on PostgreSQL: handled, projected and read, beside Emmett
// with a projection in the append's transaction and with one that follows.
import { openApp } from 'rampart/host'
import { installPeers } from '../install-peers.ts'
import { drive, measure, ratio, type Measured, type Round, type Work } from '../measure.ts'
import { withPostgres, type BenchPostgres } from '../postgres-server.ts'
import { microseconds, milliseconds, rate, times, type Bench } from '../report.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { bank, deposit } from './bank.ts'
import { emmett, peersText, withPeer, type Peer } from './postgres-peers.ts'

const own = 'Rampart, asynchronous'
const inline = 'Emmett, inline'
const asynchronous = 'Emmett, asynchronous'
const streams = 500

/** Measures and prints how long it takes until a command can be read. */
export async function benchPostgresReadable({ report, rounds, scale }: Bench): Promise<void> {
  await installPeers(report)
  await withPostgres(async (server) => {
    report.note(`${server.version}; ${peersText()}.`)
    for (const callers of [1, 64]) {
      const alone = Math.ceil((callers === 1 ? 300 : 1000) * scale)
      const grouped = Math.ceil((callers === 1 ? 400 : 8000) * scale)
      const following = { name: asynchronous, round: () => emmettRound(server, 'asynchronous', callers, 3) }
      const work: readonly Work[] = [
        { name: inline, round: () => emmettRound(server, 'inline', callers, alone) },
        ...(callers === 1 ? [following] : []),
        { name: own, round: () => ownRound(server, callers, grouped) },
      ]
      // oxlint-disable-next-line no-await-in-loop -- parts that ran at once would measure each other
      const measured = await measure(work, rounds)
      const rows = measured.map((each) => [
        each.name,
        rate(each.perSecond),
        milliseconds(each.p50Ms),
        milliseconds(each.p99Ms),
        microseconds(each.cpuUs),
        times(ratio(measured, each.name, inline), isHeld(each, callers, 64) ? { atLeast: 10 } : undefined),
        times(each.p50Ms / p50Of(measured, inline), isHeld(each, callers, 1) ? { below: 0.6 } : undefined),
      ])
      const head = ['', 'rate', 'p50', 'p99', 'CPU each', `of ${inline}`, 'p50s']
      const who = callers === 1 ? '1 caller' : `${callers} callers`
      report.table(`PostgreSQL: command, then read with its effect, ${who}`, [head, ...rows])
    }
  })
}

function isHeld({ name }: Measured, callers: number, held: number): boolean {
  return name === own && callers === held
}

function p50Of(measured: readonly Measured[], which: string): number {
  return measured.find(({ name }) => name === which)?.p50Ms ?? Number.NaN
}

function emmettRound(
  server: BenchPostgres,
  projected: 'inline' | 'asynchronous',
  ...[callers, operations]: readonly [callers: number, operations: number]
): Promise<Round> {
  return withPeer(server, { ...emmett, options: { projected } }, async (peer) => {
    await commandAndRead(peer, 'account-first', 0)
    return drive(callers, operations, (operation) =>
      commandAndRead(peer, `account-${operation % streams}`, operation),
    )
  })
}

async function commandAndRead({ command, read }: Peer, stream: string, operation: number): Promise<void> {
  const version = await command?.(stream, deposit(operation))
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- it is asked until it is there
    const balance = await read?.(stream)
    if (version === undefined || (balance !== undefined && balance.version >= version)) return
  }
}

/** The whole app in one process, its events and its documents on the server. */
function ownRound(server: BenchPostgres, callers: number, operations: number): Promise<Round> {
  return inTemporaryFolder((dataFolder) =>
    server.inDatabase(async (storeUrl) => {
      // As a host opens it whose setting names a server.
      const storage = { dataFolder, storeUrl }
      await using running = await openApp(bank, storage)
      const commandAndGet = async (id: string, operation: number): Promise<void> => {
        const stream = running.stream('account', id)
        const after = await stream.Deposit(deposit(operation), { key: `deposit-${id}-${operation}` })
        if (after.status !== 'succeeded') throw new Error(`A deposit came to ${after.status}.`)
        const found = await running.read('balances').get(id, { after })
        if ((found?.version ?? 0) < after.version) throw new Error('A document is older than its command.')
      }
      await drive(callers, 200, (operation) => commandAndGet('account-first', operation))
      return await drive(callers, operations, (operation) =>
        commandAndGet(`account-${operation % streams}`, operation),
      )
    }),
  )
}
