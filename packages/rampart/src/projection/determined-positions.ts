// Which positions of documents a fold determines. A document that is replaced by an equal one counts as
// changed unless it is the same object, and that may depend on how events were batched; such documents are
// remembered, and their positions say nothing.
import { isSameJson } from '../core/codec/index.ts'
import type { Json, Projection } from '../core/index.ts'

/** A projection whose handlers are watched. */
export interface WatchedPositions {
  readonly projection: Projection
  /** Whether the position of a document can be no other one. */
  readonly isDetermined: (key: string) => boolean
}

// Beyond that no position is compared.
const rememberedMax = 100_000

/** Watches the handlers of a projection. */
export function watchPositions(projection: Projection): WatchedPositions {
  const undetermined = new Set<string>()
  const watched = (handler: Projection['on'][string]): Projection['on'][string] => {
    return (doc, event, key) => {
      // Another object than any that a handler could keep: it comes back only where it is handed through.
      const own = copyOf(doc)
      const next = handler(own, event, key)
      if (next === own) return doc
      const isReplaced = typeof next === 'object' && next !== null && isSameJson(next, doc)
      if (isReplaced && undetermined.size < rememberedMax) undetermined.add(key)
      return next
    }
  }
  const handlers = Object.entries(projection.on).map(([type, handler]) => [type, watched(handler)] as const)
  return {
    projection: { ...projection, on: Object.fromEntries(handlers) },
    isDetermined: (key) => undetermined.size < rememberedMax && !undetermined.has(key),
  }
}

function copyOf(doc: Json): Json {
  if (Array.isArray(doc)) return Object.freeze([...doc])
  return typeof doc === 'object' && doc !== null
    ? Object.freeze(Object.fromEntries(Object.entries(doc)))
    : doc
}
