// A map for entries that come and go by the thousand while only a few are there at a time.
//
//   table of 1..512 ──next──> table of 513..1024 ──next──> table of 1025..1536      a Map, as V8 keeps it
//
// A Map that removed entries have filled moves to a new table, and V8 links the old table, with everything
// that stood in it, to the new one. Once one of them has lived long enough to be old, the young collections
// keep all that follow it, and copy them, until a full one comes: all that every entry referred to, of many
// thousand commands instead of the few hundred in hand. This map begins anew in time, so that nothing links
// what has passed to what is there.

/** How many entries are added between two beginnings at least; what is there is copied at each. */
const addedMin = 1024

/** The part of a `Map` that those need who keep something by key for a short time. */
export class PassingMap<Key, Value> {
  #entries = new Map<Key, Value>()
  #added = 0

  get size(): number {
    return this.#entries.size
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key)
  }

  set(key: Key, value: Value): void {
    this.#added++
    if (this.#added > addedMin && this.#added > 4 * this.#entries.size) {
      this.#entries = new Map(this.#entries)
      this.#added = this.#entries.size
    }
    this.#entries.set(key, value)
  }

  delete(key: Key): void {
    this.#entries.delete(key)
  }

  values(): MapIterator<Value> {
    return this.#entries.values()
  }
}
