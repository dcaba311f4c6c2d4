// Reads the query parameters that pages have in common: how many items, and where to go on.
import { idFault } from '../core/codec/index.ts'
import { invalidInput } from './exchange.ts'

const limitDefault = 50
const limitMax = 1000

/** How many items a page may have: 50 unless said, 1,000 at most. Throws `INPUT_INVALID`. */
export function limitOf(query: ReadonlyMap<string, string>): number {
  const text = query.get('limit')
  if (text === undefined) return limitDefault
  const limit = /^\d+$/.test(text) ? Math.min(Number(text), limitMax) : 0
  if (limit < 1) throw invalidInput('limit takes a whole number from 1; more than 1,000 are cut to that.')
  return limit
}

/** The opaque cursor behind a key. */
export function cursorAfter(key: string): string {
  return Buffer.from(JSON.stringify([key])).toString('base64url')
}

/** The key that a page starts after; null from the start. Throws `INPUT_INVALID` for what is no cursor. */
export function afterKeyOf(query: ReadonlyMap<string, string>): string | null {
  const text = query.get('cursor')
  if (text === undefined) return null
  const key = keyOf(text)
  if (key === undefined || idFault(key) !== undefined || cursorAfter(key) !== text) {
    throw invalidInput('The cursor is not one of ours. Send one exactly as a page gave it, or none.')
  }
  return key
}

function keyOf(cursor: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    const [key]: readonly unknown[] = Array.isArray(parsed) ? parsed : []
    return typeof key === 'string' ? key : undefined
  } catch {
    // Whatever it is, it is no cursor; the caller is told so.
    return undefined
  }
}
