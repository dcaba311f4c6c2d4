// Freezes documents before handlers see them, so that no handler can change what another event or reader
// gets.
import type { Json } from '../core/index.ts'

/**
 * Freezes a JSON value and everything in it, and returns it. What is frozen already is taken to be so all
 * the way down, which makes a changed copy of a large document cheap. Throws a `TypeError` that names the
 * first part that is not JSON: it would come back from the store as something else.
 */
export function frozenJson(value: unknown): Json {
  freeze(value, '')
  // The walk has met nothing but JSON.
  return value as Json
}

function freeze(value: unknown, at: string): void {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return
  if (typeof value === 'number' && Number.isFinite(value)) return
  if (typeof value !== 'object') throw notJson(value, at)
  if (Object.isFrozen(value)) return
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) freeze(value[index], `${at}/${index}`)
  } else {
    if (!isPlain(value)) throw new TypeError(`it holds an instance of a class at ${at}, which is not JSON`)
    for (const key of Object.keys(value)) {
      const member: unknown = Reflect.get(value, key)
      if (member !== undefined) freeze(member, `${at}/${key}`)
    }
  }
  Object.freeze(value)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function notJson(value: unknown, at: string): TypeError {
  const kind = typeof value === 'number' ? String(value) : `a value of type ${typeof value}`
  return new TypeError(`it holds ${kind} at ${at === '' ? 'its root' : at}, which is not JSON`)
}
