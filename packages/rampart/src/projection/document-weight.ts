// How heavy a document is in memory, about; it bounds what a projection runner keeps.
import type { Json } from '../core/index.ts'

/**
 * About how many bytes a document has, as JSON. The count ends beyond `most`, so that a large document
 * costs no more than a small one.
 */
export function weightOf(value: Json | undefined, most: number): number {
  if (typeof value === 'string') return 8 + value.length
  if (typeof value !== 'object' || value === null) return 8
  return Array.isArray(value) ? weightOfList(value, most) : weightOfMembers(value, most)
}

function weightOfList(list: readonly Json[], most: number): number {
  let weight = 32
  for (const item of list) {
    if (weight > most) return weight
    weight += weightOf(item, most - weight)
  }
  return weight
}

function weightOfMembers(value: object, most: number): number {
  let weight = 32
  for (const key of Object.keys(value)) {
    if (weight > most) return weight
    // Members of JSON are JSON.
    weight += 8 + key.length + weightOf(Reflect.get(value, key) as Json | undefined, most - weight)
  }
  return weight
}
