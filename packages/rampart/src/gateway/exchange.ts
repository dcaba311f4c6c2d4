// One request as the gateway's rooms see it: raw headers, path segments, query and the client's presence.
import type { IncomingMessage } from 'node:http'
import type { Context as HonoContext } from 'hono'
import type { InputFault } from '../core/codec/index.ts'
import { RampartError } from '../core/index.ts'

/** A request and its answer, routed by hono; `incoming` is there when a socket is. */
export type Exchange = HonoContext<{ Bindings: { readonly incoming?: IncomingMessage } }>

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A header as text; its bytes must be UTF-8. Throws `HEADER_INVALID` when they are not. */
export function headerOf(exchange: Exchange, name: string): string | undefined {
  // Node's own record is there at once; a Headers object would have to be built first.
  const incoming = exchange.env?.incoming
  const value = incoming === undefined ? exchange.req.raw.headers.get(name) : incoming.headers[name]
  if (typeof value !== 'string') return undefined
  // oxlint-disable-next-line no-control-regex -- bytes beyond ASCII are what this looks for
  if (!/[^\u0000-\u007f]/.test(value)) return value
  try {
    return utf8.decode(Buffer.from(value, 'latin1'))
  } catch (cause) {
    throw new RampartError('HEADER_INVALID', `The header ${name} is not UTF-8.`, { cause })
  }
}

/** `Last-Event-ID` as it was sent; one that is not UTF-8 is no id of ours, like any other that is none. */
export function lastEventIdOf(exchange: Exchange): string | undefined {
  try {
    return headerOf(exchange, 'last-event-id')
  } catch {
    return '\uFFFD'
  }
}

/** True for a GET whose sender asks for a stream of events; HEAD never is one. */
export function wantsEvents(exchange: Exchange): boolean {
  if (exchange.req.method === 'HEAD') return false
  const accepted = headerOf(exchange, 'accept')?.toLowerCase().split(',') ?? []
  return accepted.some((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim())
    return type === 'text/event-stream' && !parameters.some((one) => /^q\s*=\s*0(?:\.0*)?$/.test(one))
  })
}

/** The path of a request exactly as sent, without its query. */
export function rawPath(request: { readonly url: string }): string {
  const start = request.url.indexOf('/', request.url.indexOf(':') + 3)
  const end = request.url.slice(start).search(/[?#]/)
  return end === -1 ? request.url.slice(start) : request.url.slice(start, start + end)
}

/**
 * A segment of the path by its place (1 is the first), decoded. Throws `INPUT_INVALID` for broken encoding.
 */
export function segmentOf(exchange: Exchange, place: number): string {
  return decoded(exchange.req.path.split('/')[place] ?? '', 'The path')
}

/** Query parameters, each at most once. Throws `INPUT_INVALID` for broken encoding and repeated names. */
export function queryOf(exchange: Exchange): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  const start = exchange.req.url.indexOf('?')
  if (start === -1) return parameters
  const text = exchange.req.url.slice(start + 1).split('#', 1)[0] ?? ''
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const split = pair.indexOf('=')
    const name = decoded(plain(split === -1 ? pair : pair.slice(0, split)), 'The query')
    if (parameters.has(name))
      throw invalidInput(`The query names ${JSON.stringify(name)} twice. Name it once.`)
    parameters.set(name, split === -1 ? '' : decoded(plain(pair.slice(split + 1)), 'The query'))
  }
  return parameters
}

function plain(text: string): string {
  return text.includes('+') ? text.replaceAll('+', ' ') : text
}

function decoded(text: string, what: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new RampartError('INPUT_INVALID', `${what} is not percent-encoded UTF-8.`, { cause })
  }
}

/** A fault of what a caller sent; `faults` point into its body, where there is one. */
export function invalidInput(message: string, faults?: readonly InputFault[]): RampartError {
  return new RampartError('INPUT_INVALID', message, faults === undefined ? {} : { details: { faults } })
}

/** Answers with JSON. */
export function jsonResponse(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
}
