// How fresh a read must be and how long it may wait for that, as its request says.
import { encodeToken, streamVersion, type StreamVersion } from '../../core/codec/index.ts'
import { isRampartError, RampartError } from '../../core/index.ts'
import type { LogPlace } from '../../core/ports/index.ts'
import type { Freshness, ReadModel } from '../../projection/index.ts'
import type { Surroundings } from '../endpoint.ts'
import { invalidInput, type Exchange } from '../exchange.ts'
import { preferenceOf, tokenOf } from '../headers.ts'

const defaultWaitMs = 5000

/** A read and what its request demands. */
export interface FreshRead {
  readonly exchange: Exchange
  readonly model: ReadModel
  readonly around: Surroundings
  /** The query parameter `v`, where the read has one. */
  readonly version?: string | undefined
}

/**
 * Reads as fresh as the request demands. A read that demands nothing does not wait. When the wait runs out,
 * the fault `READ_MODEL_BEHIND` carries where the model is, as a token.
 */
export async function readFreshly<T>(
  { exchange, model, around, version: versionText }: FreshRead,
  read: (freshness: Freshness) => Promise<T>,
): Promise<T> {
  const token = tokenOf(exchange, around.isKnownLog)
  const version = versionText === undefined ? undefined : versionOf(versionText)
  const demandsNothing = token === undefined && version === undefined
  const { waitSeconds } = preferenceOf(exchange)
  const waitMs = waitSeconds === undefined ? defaultWaitMs : waitSeconds * 1000
  try {
    return await read({
      waitMs: demandsNothing ? 0 : waitMs,
      ...(token === undefined ? {} : { token }),
      ...(version === undefined ? {} : { version }),
    })
  } catch (fault) {
    if (!isRampartError(fault, 'READ_MODEL_BEHIND')) throw fault
    const { place, ...details } = fault.details
    if (place === undefined) throw fault
    // The model's promise: `details.place` is where it stands.
    const consistencyToken = encodeToken(new Map([[model.log, place as LogPlace]]))
    const told = { details: { ...details, consistencyToken }, cause: fault }
    throw new RampartError('READ_MODEL_BEHIND', fault.message, told)
  }
}

function versionOf(text: string): StreamVersion {
  const version = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(version)) return streamVersion(version)
  throw invalidInput('v takes a version, a whole number from 0 to 2^53 - 1.')
}
