// Follows what other processes do to documents that commit with events, for those who listen to them.
//
// Appends of this process tell their listeners themselves. Those of others are looked for when a hint
// comes, and from time to time without one; a hint may be of this process too, and what is told twice
// does no harm.
import { isRampartError, type Runtime, type Timer } from '../core/index.ts'
import type { KeptChange } from '../core/ports/index.ts'
import { placeOf } from '../core/rows/index.ts'
import type { RunQuery, Statement } from './database.ts'

/** What is followed. */
export interface FollowOptions {
  /** The number of the collection. */
  readonly number: number
  readonly query: RunQuery
  readonly runtime: Runtime
  /** Where it stood when its listeners were told last. */
  readonly from: KeptChange['place']
  readonly tell: (change: KeptChange) => void
}

const pollMs = 1000
// Hints come as often as somebody commits.
const pauseMs = 20
const keysMax = 1000
// Behind all keys of a position.
const lastKey = '\u{10FFFF}'

interface Following extends FollowOptions {
  readonly statement: Statement
  /** The last change that was told: its position, and the key there. */
  after: { readonly position: number; readonly key: string }
  timer: Timer | undefined
  /** Looking now, or so shortly ago that it waits before it looks again. */
  isBusy: boolean
  isWoken: boolean
}

/** Begins to follow; what it returns takes hints. It ends when the store is closed. */
export function followKept(options: FollowOptions): () => void {
  const { number, from } = options
  const following: Following = {
    ...options,
    statement: changedKeys(number),
    after: { position: from.position, key: lastKey },
    timer: undefined,
    isBusy: false,
    isWoken: false,
  }
  rest(following, pollMs)
  return () => {
    following.isWoken = true
    if (!following.isBusy) void look(following)
  }
}

function changedKeys(number: number): Statement {
  const text = `SELECT c.epoch, c.position, c.event_id, d.position, d.key
    FROM rampart_documents.collections_now AS c
    LEFT JOIN LATERAL (
      SELECT position, key FROM rampart_documents.documents_${number}
      WHERE (position, key) > ($1, $2) ORDER BY position, key LIMIT ${keysMax}
    ) AS d ON true
    WHERE c.number = ${number}
    ORDER BY d.position, d.key`
  return { name: `changed-keys-${number}`, text }
}

async function look(following: Following): Promise<void> {
  following.timer?.cancel()
  following.isBusy = true
  following.isWoken = false
  let delayMs = pauseMs
  try {
    const { query, statement, after, tell } = following
    const rows = await query(statement, [after.position, after.key])
    const [first] = rows
    // It is gone when another version has taken its place.
    if (first === undefined) return
    const changed = rows.filter((row) => row[4] !== null)
    const [, , , at, key] = changed.at(-1) ?? []
    const place = placeOf(first)
    const isWhole = changed.length < keysMax
    following.after = isWhole
      ? { position: place.position, key: lastKey }
      : { position: Number(at), key: String(key) }
    if (place.position > after.position) tell({ place, keys: new Set(changed.map((row) => String(row[4]))) })
    following.isWoken ||= !isWhole
  } catch (error) {
    if (isRampartError(error) && error.code === 'STORE_CLOSED') return
    delayMs = pollMs
  }
  rest(following, delayMs)
}

function rest(following: Following, delayMs: number): void {
  following.isBusy = delayMs < pollMs
  const wake = (): void => {
    if (following.isWoken || delayMs === pollMs) void look(following)
    else rest(following, pollMs)
  }
  following.timer = following.runtime.setTimer(delayMs, wake, { keepAlive: false })
}
