// One of several processes that race for the same versions, conditions and command ids of a log; it prints in
// which rounds it won, and what became of it in the others.
import { sleep, systemRuntime } from 'rampart'
import { position, streamVersion } from 'rampart/codec'
import type { AppendRequest, AppendResult } from 'rampart/ports'
import { openPostgresStore } from 'rampart/postgres'
import {
  claim,
  event,
  openShop,
  upTo,
  write,
} from '../../packages/rampart/src/testing/event-store-contract-steps.ts'

/** What they race for. */
export const prizes = ['version', 'condition', 'command id'] as const
type Prize = (typeof prizes)[number]

/** What became of a process in its rounds, for each prize. */
export type Race = Readonly<Record<Prize, Statuses>>

/** The rounds that ended with a status. */
export type Statuses = Partial<Readonly<Record<AppendResult['status'], readonly number[]>>>

const roundsAtOnce = 32
/** Who is a step behind would stay so: each stands still now and then, for a few milliseconds. */
const pauses = { share: 0.02, msMax: 4 }

const requestFor: Readonly<Record<Prize, (round: number) => AppendRequest>> = {
  // Every round follows the one before it, so that both know the version that they demand.
  version: (round) => ({ writes: [write(`v${round % 7}`, streamVersion(Math.ceil(round / 7) - 1))] }),
  condition: (round) => ({
    writes: [write('seats', 'any', [event('taken', { tags: [`seat:${round}`] })])],
    failIfMatch: [{ tags: [`seat:${round}`], after: position(0) }],
  }),
  'command id': (round) => ({ writes: [write('ids', 'any')], command: claim(round, { round }) }),
}

async function race(url: string, prize: Prize, rounds: number): Promise<Statuses> {
  await using store = await openPostgresStore({ url })
  const log = await openShop({ store })
  const statuses: Partial<Record<AppendResult['status'], number[]>> = {}
  let next = 1
  const run = async (): Promise<void> => {
    while (next <= rounds) {
      const round = next++
      if (Math.random() < pauses.share) await sleep(systemRuntime, pauses.msMax * Math.random())
      const { status } = await log.append(requestFor[prize](round))
      ;(statuses[status] ??= []).push(round)
    }
  }
  // Versions are raced for one after the other: ahead of it, a demand is wrong in any case.
  await Promise.all(upTo(prize === 'version' ? 1 : roundsAtOnce).map(run))
  return statuses
}

const [, script = '', url = '', rounds = ''] = process.argv
if (script.endsWith('racer.ts')) {
  // Whoever is ready first waits for the others.
  console.log('ready')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  const entries: (readonly [Prize, Statuses])[] = []
  for (const prize of prizes) entries.push([prize, await race(url, prize, Number(rounds))])
  console.log(JSON.stringify(Object.fromEntries(entries)))
  process.stdin.destroy()
}
