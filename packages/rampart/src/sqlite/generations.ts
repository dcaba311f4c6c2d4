// A bounded map that forgets what was unused for longest, roughly, at the cost of two look-ups.

/** A bounded map. */
export interface Generations<Key, Value> {
  readonly get: (key: Key) => Value | undefined
  readonly set: (key: Key, value: Value) => void
  readonly clear: () => void
}

/**
 * Creates a map that keeps the `sizeMax` entries that were used last, and up to as many older ones. Entries
 * live in a young and an old half; when the young one is full, it becomes the old one and what the old one
 * held is forgotten.
 */
export function createGenerations<Key, Value>(sizeMax: number): Generations<Key, Value> {
  let young = new Map<Key, Value>()
  let old = new Map<Key, Value>()
  const set = (key: Key, value: Value): void => {
    if (young.size >= sizeMax) {
      old = young
      young = new Map()
    }
    young.set(key, value)
  }
  return {
    get: (key) => {
      const value = young.get(key)
      if (value !== undefined) return value
      const aged = old.get(key)
      if (aged !== undefined) set(key, aged)
      return aged
    },
    set,
    clear: () => {
      young = new Map()
      old = new Map()
    },
  }
}
