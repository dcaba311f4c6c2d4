// How heavy a document or a state is in memory, about; it bounds what is kept there.
import { jsonDepthMax, memberOf } from './json.ts'

/**
 * About how many bytes a value has, as JSON. The count ends beyond `most`, so that a large value costs no
 * more than a small one. What is no JSON weighs more than `most`: nobody knows what a `Map` holds, and what
 * nests deeper than JSON may could have no end.
 */
export function weightOf(value: unknown, most: number, depth = 0): number {
  if (typeof value === 'string') return 8 + value.length
  if (typeof value !== 'object' || value === null) return 8
  if (depth > jsonDepthMax) return most + 1
  return Array.isArray(value) ? weightOfList(value, most, depth) : weightOfMembers(value, most, depth)
}

function weightOfList(list: readonly unknown[], most: number, depth: number): number {
  let weight = 32
  for (const item of list) {
    if (weight > most) return weight
    weight += weightOf(item, most - weight, depth + 1)
  }
  return weight
}

function weightOfMembers(value: object, most: number, depth: number): number {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return most + 1
  let weight = 32
  for (const key of Object.keys(value)) {
    if (weight > most) return weight
    weight += 8 + key.length
    weight += weightOf(memberOf(value, key), most - weight, depth + 1)
  }
  return weight
}
