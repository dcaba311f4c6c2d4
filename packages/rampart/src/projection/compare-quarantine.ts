// Compares the quarantine of a read model with that of a fold: what stands still must fail there at the same
// event, and what was skipped must have been there.
import { quoted } from '../core/codec/index.ts'
import type { ViewedCollection } from '../core/inspection/index.ts'
import type { DocumentCollection, QuarantinedKey } from '../core/ports/index.ts'
import type { Skips } from './skipped-events.ts'

/** What is not as it should be, and of which keys. */
export interface ComparedQuarantine {
  readonly strange: readonly string[]
  readonly keys: ReadonlySet<string>
}

// A finding for each; beyond that they are of one kind.
const strangeMax = 1000

/** Compares both, and what was skipped with what was folded. */
export async function compareQuarantine(
  view: ViewedCollection,
  folded: DocumentCollection,
  skips: Skips,
): Promise<ComparedQuarantine> {
  const [standing, failing] = [byKey(await view.documents.quarantined()), byKey(await folded.quarantined())]
  const named = await view.namedInQuarantine()
  const found = new Map<string, string>()
  for (const key of new Set([...standing.keys(), ...failing.keys(), ...named])) {
    if (skips.late.has(key)) continue
    const pair = { key, stored: standing.get(key), own: failing.get(key) }
    // oxlint-disable-next-line no-await-in-loop -- few keys stand still
    const what = differenceOf(pair) ?? (await queueDifference(pair.key, view.documents, folded))
    if (what !== undefined) found.set(key, what)
  }
  const unfounded = skips.unfounded().map(({ key, event }) => {
    const what = `position ${event.position} was skipped for ${quoted(key)}`
    return `${what}, which the log does not have there for it`
  })
  return { strange: [...found.values(), ...unfounded].slice(0, strangeMax), keys: new Set(found.keys()) }
}

function byKey(keys: readonly QuarantinedKey[]): ReadonlyMap<string, QuarantinedKey> {
  return new Map(keys.map((one) => [one.key, one]))
}

interface Pair {
  readonly key: string
  readonly stored: QuarantinedKey | undefined
  readonly own: QuarantinedKey | undefined
}

function differenceOf({ key, stored, own }: Pair): string | undefined {
  const standsStill = `${quoted(key)} stands still at position ${stored?.failing.position}`
  if (stored === undefined) {
    return own === undefined
      ? `rows of its quarantine name ${quoted(key)}, which does not stand still`
      : `${quoted(key)} does not stand still, and it fails at position ${own.failing.position}`
  }
  if (own === undefined) return `${standsStill}, and it does not fail: replay it if its handler was mended`
  if (stored.failing.position === own.failing.position) return undefined
  return `${standsStill}, and it fails at position ${own.failing.position}`
}

type Queues = Pick<DocumentCollection, 'queued'>

async function queueDifference(key: string, stored: Queues, own: Queues): Promise<string | undefined> {
  const [waiting, expected] = await Promise.all([stored.queued(key), own.queued(key)])
  const isSame = JSON.stringify(waiting) === JSON.stringify(expected)
  return isSame ? undefined : `other events wait for ${quoted(key)} than the log has for it`
}
