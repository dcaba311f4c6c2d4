// What somebody does who can write the store and knows how seals are made: seals everything anew.
import { hash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { position } from '../../core/codec/index.ts'
import { noDigest, sealDigest, type Sha256 } from '../../core/seals/index.ts'
import { openSqliteStore } from '../../sqlite/index.ts'

const sha256: Sha256 = (data) => hash('sha256', data)

/** Replaces the seals of a log, which fit what stands there now. */
export async function sealAnew(file: string, key: string): Promise<void> {
  await using store = await openSqliteStore({ file, thread: 'caller' })
  const log = await store.openLog(key)
  const old = await log.seals.list(0, 1000)
  const database = new DatabaseSync(file)
  database.exec('DELETE FROM seals')
  database.close()
  let previous = noDigest
  for (let after = 0; after < (await log.head()).position;) {
    const range = await log.seals.rangeAfter(position(after))
    const number = old.filter(({ last }) => last <= after).length + 1
    const { epoch, sealedAtMs } = old[number - 1] ?? { epoch: (await log.head()).epoch, sealedAtMs: 1 }
    if (range === undefined) return
    const seal = { ...range, number: after === 0 ? 1 : number, epoch, sealedAtMs, previous }
    const sealed = { ...seal, digest: sealDigest(key, seal, sha256) }
    await log.seals.append([sealed])
    previous = sealed.digest
    after = range.last
  }
}
