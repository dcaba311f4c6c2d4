// Reads a request body as a JSON object: bounded while it streams, and UTF-8 only.
import type { IncomingMessage } from 'node:http'
import { RampartError } from '../core/index.ts'
import { smallBodyBytes, type BodiesInHand } from './bodies-in-hand.ts'
import type { Surroundings } from './endpoint.ts'
import { headerOf, invalidInput, type Exchange } from './exchange.ts'
import { requireJsonContent } from './headers.ts'

const [quote, backslash] = [0x22, 0x5c]
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d]
/** Far above what any command may nest, whose check names the place that is too deep. */
const nestingMax = 128
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The JSON object that a request carries. Throws `CONTENT_TYPE_UNSUPPORTED`, `BODY_TOO_LARGE`, `OVERLOADED`,
 * `BODY_MALFORMED`, or `INPUT_INVALID` for JSON of another kind. What the object holds is
 * checked by whoever handles it.
 */
export async function readJsonObject(
  exchange: Exchange,
  { limits: { bodyBytesMax }, bodies, turn }: Pick<Surroundings, 'limits' | 'bodies' | 'turn'>,
): Promise<Readonly<Record<string, unknown>>> {
  requireJsonContent(exchange)
  const bytesMax = bodyBytesMax === 0 ? Number.MAX_SAFE_INTEGER : bodyBytesMax
  const bytes = await readBytes(exchange, { bytesMax, bodies })
  if (bytes.length > smallBodyBytes) await turn()
  if (isNestedDeeply(bytes)) throw nestedDeeply()
  const value = parse(bytes)
  if (isObject(value)) return value
  throw invalidInput('The body is no JSON object.', [{ pointer: '', detail: 'must be an object' }])
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// V8 takes a second and more for a megabyte of brackets, so that they are counted before it parses them.
function isNestedDeeply(bytes: Uint8Array): boolean {
  let depth = 0
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]
    if (byte === quote) index = endOfText(bytes, index)
    else if (byte === openBracket || byte === openBrace) depth++
    else if (byte === closeBracket || byte === closeBrace) depth--
    if (depth > nestingMax) return true
  }
  return false
}

/** The place of the quote that ends the text that begins at one. */
function endOfText(bytes: Uint8Array, begin: number): number {
  for (let index = begin + 1; index < bytes.length; index++) {
    if (bytes[index] === backslash) index++
    else if (bytes[index] === quote) return index
  }
  return bytes.length
}

function nestedDeeply(): RampartError {
  const detail = `is nested more than ${nestingMax} levels deep`
  return invalidInput('The body is nested too deeply.', [{ pointer: '', detail }])
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    // V8's own sentence quotes the input, which may be long or hostile.
    const detail = cause instanceof SyntaxError ? 'is not JSON' : 'is not UTF-8'
    throw new RampartError('BODY_MALFORMED', `The body ${detail}.`, {
      cause,
      details: { faults: [{ pointer: '', detail }] },
    })
  }
}

interface Bounds {
  readonly bytesMax: number
  readonly bodies: BodiesInHand
}

async function readBytes(exchange: Exchange, { bytesMax, bodies }: Bounds): Promise<Uint8Array> {
  const declared = headerOf(exchange, 'content-length')
  if (declared !== undefined && Number(declared) > bytesMax) throw tooLarge(bytesMax)
  try {
    // Node's parser holds a body to its declared length, so that it needs no count of its own.
    const incoming = exchange.env?.incoming
    if (declared === undefined || incoming === undefined)
      return await readCounting(exchange, { bytesMax, bodies })
    bodies.hold(exchange, Number(declared))
    return await readDeclared(incoming)
  } catch (cause) {
    if (cause instanceof RampartError) throw cause
    throw new RampartError('BODY_MALFORMED', 'The body ended before its time.', { cause })
  }
}

function readDeclared(incoming: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    const leave = (): void => {
      // Every body is closed in the end, and an error for each would cost more than reading it.
      if (!incoming.readableEnded) reject(incoming.errored ?? new Error('The client has left.'))
    }
    incoming.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    incoming.on('end', () => {
      const [only = new Uint8Array()] = chunks
      resolve(chunks.length < 2 ? only : Buffer.concat(chunks))
    })
    incoming.on('error', reject)
    incoming.on('close', leave)
    // What came to its end before this would not tell so again.
    if (incoming.destroyed) leave()
  })
}

async function readCounting(exchange: Exchange, { bytesMax, bodies }: Bounds): Promise<Uint8Array> {
  const { env, req } = exchange
  // Copied as they come: a million tiny chunks would weigh a hundred times what they carry.
  let bytes = Buffer.allocUnsafe(4096)
  let count = 0
  // A web stream around Node's own would cost each chunk several times as much.
  const arriving = env?.incoming?.iterator({ destroyOnReturn: false }) ?? req.raw.body ?? []
  // Without an encoding, what comes in is bytes.
  for await (const chunk of arriving as AsyncIterable<Uint8Array>) {
    const end = count + chunk.byteLength
    if (end > bytesMax) throw tooLarge(bytesMax)
    bodies.hold(exchange, end)
    if (end > bytes.length) bytes = Buffer.concat([bytes], Math.max(end, bytes.length * 2))
    bytes.set(chunk, count)
    count = end
  }
  return bytes.subarray(0, count)
}

function tooLarge(bytesMax: number): RampartError {
  return new RampartError('BODY_TOO_LARGE', `The body is longer than ${bytesMax} bytes. Send less.`)
}
