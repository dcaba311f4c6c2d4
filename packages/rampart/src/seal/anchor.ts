// Anchors: the newest seal of each log, kept where nobody can write who can write the store.
import type { Seal } from '../core/seals/index.ts'

/** A seal of a log that the chain must still hold. */
export interface Anchor {
  readonly app: string
  readonly log: string
  readonly epoch: string
  /** The number of the seal. */
  readonly seal: number
  /** The last position that it covers. */
  readonly position: number
  readonly digest: string
  /** ISO 8601. */
  readonly sealedAt: string
}

/** The anchor that a seal makes. */
export function anchorOf(app: string, log: string, seal: Seal): Anchor {
  const { epoch, number, last, digest, sealedAtMs } = seal
  const sealedAt = new Date(sealedAtMs).toISOString()
  return { app, log, epoch, seal: number, position: last, digest, sealedAt }
}

/**
 * The anchors in what `rampart verify --json` or `--write-anchor` has written: the member `anchors` of an
 * object. `undefined` for anything else.
 */
export function anchorsIn(value: unknown): readonly Anchor[] | undefined {
  if (typeof value !== 'object' || value === null || !('anchors' in value)) return undefined
  const { anchors } = value
  return Array.isArray(anchors) && anchors.every(isAnchor) ? anchors : undefined
}

function isAnchor(value: unknown): value is Anchor {
  if (typeof value !== 'object' || value === null) return false
  const texts = ['app', 'log', 'epoch', 'digest', 'sealedAt'].map((name) => Reflect.get(value, name))
  const numbers = ['seal', 'position'].map((name) => Reflect.get(value, name))
  return texts.every((text) => typeof text === 'string') && numbers.every(Number.isSafeInteger)
}
