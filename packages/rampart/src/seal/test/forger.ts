// What somebody does who can write the store and knows how seals are made: seals everything anew.
import { hash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { position } from '../../core/codec/index.ts'
import { epochsUpTo, noDigest, sealDigest, type Sha256 } from '../../core/seals/index.ts'
import { openSqliteStore } from '../../sqlite/index.ts'

const sha256: Sha256 = (data) => hash('sha256', data)

/**
 * Replaces the seals of a log by others, which fit what stands there now: in ranges of their own, or of the
 * first format.
 */
export async function sealAnew(
  file: string,
  key: string,
  format: 'today' | 'first' = 'today',
): Promise<void> {
  await using store = await openSqliteStore({ file, thread: 'caller' })
  const log = await store.openLog(key)
  const old = await log.seals.list(0, 1000)
  const database = new DatabaseSync(file)
  database.exec('DELETE FROM seals')
  database.close()
  let previous = noDigest
  let number = 0
  for (let after = 0; after < (await log.head()).position;) {
    const range = await log.seals.rangeAfter(position(after))
    if (range === undefined) return
    number += 1
    const { epoch } = await log.head()
    const epochs = format === 'today' ? { epochs: epochsUpTo(epoch, await log.epochs()) } : {}
    const seal = { ...range, number, epoch, sealedAtMs: old[number - 1]?.sealedAtMs ?? 1, previous }
    const sealed = { ...seal, digest: sealDigest(key, { ...seal, ...epochs }, sha256) }
    await log.seals.append([sealed])
    previous = sealed.digest
    after = range.last
  }
}
