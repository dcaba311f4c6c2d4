// Names a command: its id from (log, sender, idempotency key), and the fingerprint of what it asks.
import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { hasSortedKeys } from '../core/checks/index.ts'
import type { CommandId } from '../core/codec/index.ts'
import type { LogKey } from '../core/ports/index.ts'

/** Whose key it is: the same key of another sender or log names another command. */
export interface KeyScope {
  readonly log: LogKey
  readonly actor: string | null
  readonly key: string
}

/**
 * The id of the command that a key names, a UUID of version 8 (RFC 9562 section 5.8) made of SHA-256, so that
 * nobody finds a stranger's command by guessing its key.
 */
export function commandIdOfKey({ log, actor, key }: KeyScope): CommandId {
  const digest = hash('sha256', JSON.stringify([log, actor, key]), 'hex')
  const variant = ((Number.parseInt(digest.slice(16, 18), 16) & 0x3f) | 0x80).toString(16)
  const tail = `8${digest.slice(13, 16)}-${variant}${digest.slice(18, 20)}-${digest.slice(20, 32)}`
  // The digits of a UUID, at their places.
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-${tail}` as CommandId
}

/** What a fingerprint covers: everything as sent, nothing as a schema made it. */
export interface Asked {
  readonly type: string
  readonly streamId: string | undefined
  readonly data: unknown
}

/** Stands for commands without a key, which nobody can send twice. */
export const unkeyedFingerprint = 'unkeyed'

/** True for a command with a key, which may have been sent before. */
export function isKeyed({ fingerprint }: { readonly fingerprint: string }): boolean {
  return fingerprint !== unkeyedFingerprint
}

/** The first 132 bits of SHA-256 over the canonical JSON (RFC 8785) of what is asked, as base64url. */
export function fingerprintOf({ type, streamId, data }: Asked): string {
  return hash('sha256', canonicalText([type, streamId ?? null, data]), 'base64url').slice(0, 22)
}

// Where the members stand in canonical order, the language's own writer says the same at a third of the cost.
function canonicalText(asked: readonly unknown[]): string {
  // canonicalize answers undefined for undefined only.
  return hasSortedKeys(asked) ? JSON.stringify(asked) : (canonicalize(asked) ?? '')
}
