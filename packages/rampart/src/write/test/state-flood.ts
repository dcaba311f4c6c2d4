// A process for the kill tests: sends commands to a few streams, waited for and accepted ones, until it is
// killed; tells when it runs and which streams have an acknowledged version.
import { writeSync } from 'node:fs'
import { context, systemRuntime, type RepositoryKind } from '../../core/index.ts'
import { logKey } from '../../core/ports/index.ts'
import { openSqliteStore } from '../../sqlite/index.ts'
import { createCommandService } from '../create-command-service.ts'
import { account } from './account.ts'

/** The kinds that the rounds of the kill tests take turns with. */
export const floodKinds: readonly RepositoryKind[] = ['stateStored', { snapshotEvery: 3 }]

/** The context of the flood, with its accounts kept in one way or the other. */
export function bankOf(kind: RepositoryKind) {
  return context('bank', { deciders: [account], repositories: { account: kind } })
}

/** The id of a stream of the flood. */
export function streamOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

/** A pipe takes what is written at once, so that it outlives this process. */
function tell(line: string): void {
  try {
    writeSync(1, line)
  } catch (error) {
    // The reader is slow and its pipe full; an acknowledgement that is not told proves nothing.
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
  }
}

async function flood(file: string, thread: string, kind: number): Promise<void> {
  const database = await openSqliteStore({ file, thread: thread === 'worker' ? 'worker' : 'caller' })
  const store = await database.openLog(logKey('bank'))
  const bank = bankOf(floodKinds[kind] ?? 'eventSourced')
  const service = createCommandService({ context: bank, store, runtime: systemRuntime })
  service.start()
  const one = async (caller: number): Promise<void> => {
    const streamId = streamOf(caller % 8)
    await service.send(
      { type: 'Open', streamId, data: { owner: 'x' }, actor: null },
      { mode: 'wait', waitMs: 9e3 },
    )
    for (let cents = 1; ; cents++) {
      const feedback =
        cents % 4 === 0 ? ({ mode: 'accept' } as const) : ({ mode: 'wait', waitMs: 9e3 } as const)
      const status = await service.send({ type: 'Deposit', streamId, data: { cents }, actor: null }, feedback)
      if (status.status === 'succeeded') tell(`ack ${caller % 8} ${status.version}\n`)
    }
  }
  await Promise.all(Array.from({ length: 24 }, (_, caller) => one(caller)))
}

const [, script = '', file = '', thread = '', kind = ''] = process.argv
if (script.endsWith('state-flood.ts')) await flood(file, thread, Number(kind))
