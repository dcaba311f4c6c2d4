// The published keys of an issuer: fetched when they are needed, kept, and asked for anew with restraint.
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { isRampartError, RampartError, type Runtime } from '../../core/index.ts'

/** The keys of an issuer. */
export interface KeySet {
  /** The key that a token names. Throws `ISSUER_UNAVAILABLE` when it cannot be had. */
  readonly keyOf: JWTVerifyGetKey
  /** Fetches the keys anew when they have grown old; nobody waits for it. */
  readonly keepFresh: () => void
}

/** What a key set stands on. */
export interface KeySetOptions {
  readonly url: URL
  readonly runtime: Runtime
  /** Hears of every fetch that failed. */
  readonly reportFault: (fault: unknown, what: string) => void
  /** Called when the issuer publishes other keys than before. */
  readonly onChanged: () => void
}

/** After this long the keys are asked for anew, beside the requests that use them. */
const freshMs = 10 * 60 * 1000
/** After this long without an answer of the issuer its keys are not trusted any more. */
const trustedMs = 24 * 60 * 60 * 1000
/** Between two fetches, whatever tokens come. */
const coolDownMs = 5000
const fetchMs = 5000
const keysBytesMax = 512 * 1024
const keysMax = 100

interface Keys {
  readonly find: JWTVerifyGetKey
  readonly text: string
  readonly atMs: number
}

/** Creates the key set of an issuer; nothing is fetched before a token needs it. */
export function createKeySet(options: KeySetOptions): KeySet {
  const keys = new PublishedKeys(options)
  return { keyOf: (header, token) => keys.keyOf(header, token), keepFresh: () => keys.keepFresh() }
}

class PublishedKeys {
  readonly #options: KeySetOptions
  #keys: Keys | undefined
  #fetching: Promise<Keys> | undefined
  #fetchedAtMs = -Infinity
  /** Why the last fetch failed; `undefined` when it did not. */
  #fault: RampartError | undefined

  constructor(options: KeySetOptions) {
    this.#options = options
  }

  keepFresh(): void {
    // Who waits for nothing hears of no failure; the fault is reported where it happens.
    if (this.#ageMs() > freshMs && !this.#coolsDown()) this.#fetch().catch(() => undefined)
  }

  keyOf: JWTVerifyGetKey = async (header, token) => {
    if (this.#keys !== undefined) this.keepFresh()
    const isTrusted = this.#ageMs() <= trustedMs
    const keys = isTrusted ? this.#keys : undefined
    const trusted = keys ?? (await this.#fetchUnlessCooling())
    try {
      return await trusted.find(header, token)
    } catch (fault) {
      if (!isUnknownKey(fault)) throw fault
      // The issuer may have begun to use another key since.
      const newer = await this.#fetchUnlessCooling()
      if (newer === trusted) throw fault
      return newer.find(header, token)
    }
  }

  #ageMs(): number {
    return this.#keys === undefined ? Infinity : this.#options.runtime.elapsedMs() - this.#keys.atMs
  }

  #coolsDown(): boolean {
    return this.#options.runtime.elapsedMs() - this.#fetchedAtMs < coolDownMs
  }

  /** The keys of a fetch of now; those that are there when the last one is too recent. */
  async #fetchUnlessCooling(): Promise<Keys> {
    if (this.#fetching !== undefined || !this.#coolsDown()) return this.#fetch()
    if (this.#fault !== undefined) throw this.#fault
    if (this.#keys === undefined) throw new Error('A fetch that did not fail has brought keys.')
    return this.#keys
  }

  #fetch(): Promise<Keys> {
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetchedAtMs = this.#options.runtime.elapsedMs()
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetchOnce(): Promise<Keys> {
    const { onChanged, reportFault } = this.#options
    const before = this.#keys
    try {
      this.#keys = await fetchKeys(this.#options)
      this.#fault = undefined
    } catch (fault) {
      this.#fault = isRampartError(fault) ? fault : unavailable('it cannot be read', fault)
      reportFault(this.#fault, 'fetching the keys of the issuer')
      throw this.#fault
    }
    if (before !== undefined && before.text !== this.#keys.text) onChanged()
    return this.#keys
  }
}

function isUnknownKey(fault: unknown): boolean {
  return fault instanceof Error && 'code' in fault && fault.code === 'ERR_JWKS_NO_MATCHING_KEY'
}

async function fetchKeys({ url, runtime }: KeySetOptions): Promise<Keys> {
  const ending = new AbortController()
  const timer = runtime.setTimer(fetchMs, () => ending.abort(unavailable('it took too long')), {
    keepAlive: false,
  })
  try {
    const response = await fetch(url, {
      signal: ending.signal,
      redirect: 'error',
      headers: { accept: 'application/jwk-set+json, application/json' },
    })
    if (!response.ok) throw unavailable(`it answered ${response.status}`)
    const text = await textOf(response)
    return { find: createLocalJWKSet(keysIn(text)), text, atMs: runtime.elapsedMs() }
  } catch (cause) {
    throw isRampartError(cause) ? cause : unavailable('it cannot be reached', cause)
  } finally {
    timer.cancel()
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > keysBytesMax) throw unavailable('its answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function keysIn(text: string): JSONWebKeySet {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw unavailable('its answer is not JSON', cause)
  }
  const keys: unknown =
    typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, 'keys') : undefined
  if (!Array.isArray(keys) || keys.length > keysMax) throw unavailable('its answer is no set of keys')
  return { keys }
}

function unavailable(reason: string, cause?: unknown): RampartError {
  const message = `The keys of the issuer cannot be had: ${reason}. Try again in a moment.`
  return new RampartError('ISSUER_UNAVAILABLE', message, cause === undefined ? {} : { cause })
}
