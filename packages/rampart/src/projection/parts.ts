// The parts of a projection: the same fold several times, each over the keys that fall to it, so that
// several processes can keep one read model up to date.
//
//   orders, parts: 3      orders/1of3   a  d  g     a collection, a checkpoint and a lease each
//                         orders/2of3   b  e
//                         orders/3of3   c  f
//
// Every part reads the whole log and decodes what the projection reads; it folds, keeps and stores its own
// keys. A key belongs to the same part for ever: another number of parts has other names, and is derived
// anew.
import type { Projection } from '../core/index.ts'
import { partNames } from '../core/inspection/index.ts'

/** The parts in their order; a projection that is not split is its own part. */
export function partsOf(projection: Projection): readonly Projection[] {
  const { name, parts, keysOf } = projection
  if (parts === 1) return [projection]
  return partNames(name, parts).map((partName, index) => ({
    ...projection,
    name: partName,
    parts: 1,
    keysOf: (event) => keysOf(event).filter((key) => partIndex(key, parts) === index),
  }))
}

/** Which part has a key, from 0. Documents are stored by it: it must never change. */
export function partIndex(key: string, parts: number): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  // Keys that differ in their last character alone are else far from evenly spread.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % parts
}
