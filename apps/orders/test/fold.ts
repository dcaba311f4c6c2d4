// Folds recorded events into documents from nothing, as a read model must have them.
import type { Json, Projection, Recorded } from 'rampart'

/** The documents of a projection after some events, by key. */
export function foldFromNothing(
  projection: Projection,
  events: readonly Recorded[],
): ReadonlyMap<string, Json> {
  const documents = new Map<string, Json>()
  for (const event of events) {
    const handle = projection.on[event.type]
    if (handle === undefined) continue
    for (const key of projection.keysOf(event)) {
      const document = handle(documents.get(key) ?? projection.initial, event, key)
      if (document === null) documents.delete(key)
      else documents.set(key, document)
    }
  }
  // Absent members vanish when documents are stored.
  return new Map([...documents].map(([key, document]) => [key, JSON.parse(JSON.stringify(document))]))
}
