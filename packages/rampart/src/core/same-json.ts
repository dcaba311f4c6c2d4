// Whether two JSON values are the same, in whatever order the members of their objects stand.
import type { Json } from './json.ts'

/** Compares two values as JSON has them. */
export function isSameJson(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) !== Array.isArray(other)) return false
  // Both are objects or both are arrays, whose indexes are their members.
  const [some, others] = [membersOf(one), membersOf(other)]
  if (some.size !== others.size) return false
  return [...some].every(([name, value]) => others.has(name) && isSameJson(value, others.get(name)))
}

// Members that are undefined have no place in JSON.
function membersOf(value: object): ReadonlyMap<string, Json | undefined> {
  return new Map(Object.entries(value).filter(([, member]) => member !== undefined))
}
