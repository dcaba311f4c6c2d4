// JSON as a type and as a checked value: what commands, events, states and documents are made of.

/** Any JSON value. Absent object members are allowed as `undefined`, because they vanish when stored. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

/** Resolves to `unknown` when a value of type `T` survives being stored as JSON, else to a readable error. */
export type OnlyJson<T> = HoldsOnlyJson<T> extends true ? unknown : 'only JSON survives being stored'

/**
 * Looks into members one by one, because an interface is never assignable to a type with an index signature.
 */
type HoldsOnlyJson<T> = [T] extends [Json | undefined]
  ? true
  : T extends (...values: never) => unknown
    ? false
    : T extends readonly unknown[]
      ? HoldsOnlyJson<T[number]>
      : T extends object
        ? false extends { [K in keyof T]-?: HoldsOnlyJson<T[K]> }[keyof T]
          ? false
          : true
        : T extends Json | undefined
          ? true
          : false

/** One fault of an input: `pointer` is a JSON pointer (RFC 6901) from the root of what was sent. */
export interface InputFault {
  readonly pointer: string
  readonly detail: string
}

/** How many faults of one input are reported; further ones are dropped, because nobody reads them. */
export const inputFaultsMax = 100

/**
 * How deep arrays and objects of an input may nest; deeper ones are refused before anything recurses into
 * them.
 */
export const jsonDepthMax = 64

/** Appends one reference token to a JSON pointer, escaped as RFC 6901 section 3 says. */
export function childPointer(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/**
 * Lists what makes a parsed value unfit to be stored: nesting beyond `jsonDepthMax`, numbers that are not
 * finite, lone surrogates in strings or keys, and `__proto__` as a key. The walk keeps its own stack, so that
 * hostile nesting cannot exhaust the caller's.
 */
export function jsonFaults(value: unknown, root = ''): readonly InputFault[] {
  // Most inputs have no fault, and need no pointers to find that out.
  return isStorable(value, 0) ? [] : collectFaults(value, root)
}

/** Recursion is safe here, because it ends at `jsonDepthMax`. */
function isStorable(value: unknown, depth: number): boolean {
  if (scalarFault(value, depth) !== undefined) return false
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every((child) => isStorable(child, depth + 1))
  for (const key of Object.keys(value)) {
    const child = memberOf(value, key)
    if (child === undefined) continue
    if (key === '__proto__' || !key.isWellFormed() || !isStorable(child, depth + 1)) return false
  }
  return true
}

/**
 * True when the members of all objects in a value stand in the order of RFC 8785 section 3.2.3. The value is
 * one without `jsonFaults`, so that it ends.
 */
export function hasSortedKeys(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(hasSortedKeys)
  // What writes itself may write its members in any order.
  if ('toJSON' in value) return false
  let before: string | undefined
  for (const key of Object.keys(value)) {
    if (before !== undefined && before >= key) return false
    if (!hasSortedKeys(memberOf(value, key))) return false
    before = key
  }
  return true
}

/** A member of any object: reading one by one spares the pairs that `Object.entries` makes. */
export function memberOf(value: object, key: string): unknown {
  // Whatever is there is unknown until it is checked.
  return (value as Readonly<Record<string, unknown>>)[key]
}

/**
 * A copy of a value as it comes back once it was written as JSON: -0 is 0, and members that are undefined are
 * gone. `undefined` for what only writing it can tell: what has a `toJSON` or is no plain object, array or
 * scalar. The value is one without `jsonFaults`, so that this ends.
 */
export function copyAsStored(value: unknown): Json | undefined {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : undefined
  if (typeof value !== 'object') return undefined
  if (Array.isArray(value)) return copyOfList(value)
  if (Object.getPrototypeOf(value) !== Object.prototype || 'toJSON' in value) return undefined
  const copy: Record<string, Json> = {}
  for (const key of Object.keys(value)) {
    const member = memberOf(value, key)
    if (member === undefined) continue
    const copied = copyAsStored(member)
    if (copied === undefined || key === '__proto__') return undefined
    copy[key] = copied
  }
  return copy
}

function copyOfList(list: readonly unknown[]): Json | undefined {
  if ('toJSON' in list) return undefined
  const copy: Json[] = []
  for (const item of list) {
    const copied = copyAsStored(item)
    if (copied === undefined) return undefined
    copy.push(copied)
  }
  return copy
}

function collectFaults(value: unknown, root: string): readonly InputFault[] {
  const faults: InputFault[] = []
  const pending: Visit[] = [{ value, pointer: root, depth: 0 }]
  for (
    let visit = pending.pop();
    visit !== undefined && faults.length < inputFaultsMax;
    visit = pending.pop()
  ) {
    const detail = scalarFault(visit.value, visit.depth)
    if (detail !== undefined) faults.push({ pointer: visit.pointer, detail })
    else if (typeof visit.value === 'object' && visit.value !== null) pushChildren(visit, pending, faults)
  }
  return faults
}

interface Visit {
  readonly value: unknown
  readonly pointer: string
  readonly depth: number
}

function scalarFault(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : 'a string holds a lone surrogate'
    case 'number':
      return Number.isFinite(value) ? undefined : 'a number is beyond the range of a 64-bit float'
    case 'object':
      return depth < jsonDepthMax ? undefined : `arrays and objects may nest ${jsonDepthMax} levels at most`
    case 'boolean':
      return undefined
    default:
      return `a ${typeof value} is not JSON`
  }
}

function pushChildren(visit: Visit, pending: Visit[], faults: InputFault[]): void {
  const container = visit.value
  if (Array.isArray(container)) {
    for (let index = container.length - 1; index >= 0; index--) {
      pending.push({
        value: container[index],
        pointer: childPointer(visit.pointer, index),
        depth: visit.depth + 1,
      })
    }
    return
  }
  for (const [key, child] of Object.entries(container ?? {})) {
    if (child === undefined) continue
    const pointer = childPointer(visit.pointer, key.toWellFormed())
    if (!key.isWellFormed()) faults.push({ pointer, detail: 'a key holds a lone surrogate' })
    else if (key === '__proto__') faults.push({ pointer, detail: 'the key __proto__ is not accepted' })
    else pending.push({ value: child, pointer, depth: visit.depth + 1 })
    if (faults.length >= inputFaultsMax) return
  }
}
