// Seals of the writer: they are kept if they follow the newest one.
import type { Client } from 'pg'
import { position } from '../core/codec/index.ts'
import { RampartError } from '../core/index.ts'
import { requireFollowing, type Seal } from '../core/seals/index.ts'
import type { BatchLog } from './append-step.ts'
import { bigints, texts } from './binary-array.ts'
import { run, type Statement } from './database.ts'
import { parameters } from './inbox-step.ts'
import { numberAt } from './rows.ts'
import { findLastSeal } from './seal-store.ts'

const keep: Statement = {
  name: 'keep-seals',
  text: `SELECT rampart_write.keep_seals(${parameters(10)})::integer`,
}
const findHead: Statement = {
  name: 'find-head-position',
  // `max` would be planned on the log as it is at first, and read all of it ever after.
  text: `SELECT coalesce(
      (SELECT position FROM rampart_write.events WHERE log = $1 ORDER BY position DESC LIMIT 1), 0
    )`,
}

/**
 * Keeps seals of a log. Throws `STORE_UNAVAILABLE` when they do not follow, also when another process was
 * first.
 */
export async function keepSeals(
  client: Client,
  log: BatchLog,
  { key, seals }: { readonly key: string; readonly seals: readonly Seal[] },
): Promise<null> {
  const ask = (statement: Statement, values: readonly unknown[]) => run(client, statement, values)
  const last = await findLastSeal(ask, log)
  const [head = []] = await run(client, findHead, [log.number])
  requireFollowing(key, { last, head: position(numberAt(head, 0)) }, seals)
  const [row = []] = await run(client, keep, [
    log.number,
    bigints(seals.map(({ number }) => number)),
    bigints(seals.map(({ first }) => first)),
    bigints(seals.map((seal) => seal.last)),
    texts(seals.map(({ epoch }) => epoch)),
    texts(seals.map(({ root }) => root)),
    bigints(seals.map(({ sealedAtMs }) => sealedAtMs)),
    texts(seals.map(({ previous }) => previous)),
    texts(seals.map(({ digest }) => digest)),
    texts(seals.map(({ marks }) => marks)),
  ])
  if (numberAt(row, 0) === 1) return null
  const message = `Another process has sealed ${key} meanwhile. Go on after its seals.`
  throw new RampartError('STORE_UNAVAILABLE', message)
}
