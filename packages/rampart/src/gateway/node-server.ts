// Binds a gateway to a port of Node, and bounds what happens on sockets before a request can be routed.
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { RampartError, sleep, type ErrorCode, type Runtime } from '../core/index.ts'
import type { Gateway } from './gateway.ts'
import { problemOf, problemText } from './problem.ts'
import { createUnsentBytes, type UnsentBytes } from './unsent-bytes.ts'

/** A gateway that listens. */
export interface ListeningGateway {
  readonly host: string
  readonly port: number
  /** Accepts no more connections, lets requests in hand finish for `graceMs`, then cuts what is left. */
  readonly close: (graceMs: number) => Promise<void>
}

/** Where to listen; port 0 means a free one. */
export interface ServeOptions {
  readonly host: string
  readonly port: number
  readonly runtime: Runtime
  readonly reportFault: (fault: unknown, what: string) => void
}

const checkingMs = 1000
const closingPollMs = 50

/** Listens on a port. Throws `SETTING_INVALID` when the port or the address cannot be had. */
export async function serveGateway(gateway: Gateway, options: ServeOptions): Promise<ListeningGateway> {
  const { limits } = gateway
  const { unreadMs, unsentBytesMax: bytesMax } = limits
  const unsent = createUnsentBytes(options.runtime, { bytesMax, unreadMs })
  const server = createServer({
    ServerResponse: unsent.Answer,
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.requestMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: checkingMs,
    keepAliveTimeout: limits.keepAliveMs,
    // Node would refuse a missing Host header without a problem document.
    requireHostHeader: false,
  })
  // A connection on which nothing moves for this long has no client any more.
  server.timeout = limits.stalledMs
  listenToRequests({ server, gateway, unsent }, options)
  server.on('clientError', refuseBrokenRequest)
  server.on('connect', (_request, socket) => refuse(socket, 'METHOD_NOT_ALLOWED', 'This server is no proxy.'))
  const sockets = socketsOf(server)
  if (limits.connectionsMax > 0) limitConnections(server, limits.connectionsMax, options.runtime)
  await listen(server, options)
  server.on('error', (fault) => options.reportFault(fault, 'the server'))
  // A server that listens on a host and a port has an address of that form.
  const { port } = server.address() as AddressInfo
  return {
    host: options.host,
    port,
    close: (graceMs) => closeServer({ server, sockets }, graceMs, options.runtime),
  }
}

interface Listening {
  readonly server: Server
  readonly gateway: Gateway
  readonly unsent: UnsentBytes
}

function listenToRequests({ server, gateway, unsent }: Listening, { reportFault }: ServeOptions): void {
  const listener = getRequestListener((request, env) => gateway.fetch(request, asBindings(env)), {
    hostname: 'localhost',
    errorHandler: gateway.faultResponse,
  })
  const answer = inOrder((incoming, outgoing) => {
    if (!hasOneHost(incoming)) return refuseHost(outgoing)
    listener(incoming, outgoing).then(
      () => unsent.note(outgoing),
      (fault: unknown) => {
        reportFault(fault, 'an answer')
        outgoing.destroy()
      },
    )
  })
  server.on('request', answer)
  // Expectations beyond 100-continue are nothing that this server must know.
  server.on('checkExpectation', answer)
}

type Answer = (incoming: IncomingMessage, outgoing: ServerResponse) => void

/**
 * Handles the requests of a connection one after the other: those that a client sends ahead would only fill
 * the memory with answers that it does not read yet.
 */
function inOrder(answer: Answer): Answer {
  const lastOf = new WeakMap<Socket, ServerResponse>()
  return (incoming, outgoing) => {
    const { socket } = incoming
    const before = lastOf.get(socket)
    lastOf.set(socket, outgoing)
    if (before === undefined || before.closed) return answer(incoming, outgoing)
    before.once('close', () => {
      if (!socket.destroyed) answer(incoming, outgoing)
    })
  }
}

// HTTP/1.0 may do without; two of them could mean one thing to a proxy and another one here.
function hasOneHost({ headers, rawHeaders, httpVersion }: IncomingMessage): boolean {
  if (headers.host === undefined) return httpVersion !== '1.1'
  const isHost = (name: string, index: number): boolean =>
    index % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host'
  return rawHeaders.findIndex(isHost) === rawHeaders.findLastIndex(isHost)
}

function refuseHost(outgoing: ServerResponse): void {
  const fault = new RampartError('REQUEST_MALFORMED', 'An HTTP/1.1 request needs one Host header.')
  const body = problemText(problemOf(fault))
  const length = Buffer.byteLength(body)
  const headers = { 'content-type': 'application/problem+json', 'content-length': length }
  outgoing.writeHead(400, { ...headers, connection: 'close' }).end(body)
}

function asBindings(env: { readonly incoming: unknown }): { readonly incoming: IncomingMessage } {
  // The server above speaks HTTP/1.1 only, so that what came in is never a request of HTTP/2.
  return env as { readonly incoming: IncomingMessage }
}

async function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  try {
    await promise
  } catch (cause) {
    throw new RampartError('SETTING_INVALID', unusable(cause, port, host), { cause })
  }
  server.off('error', reject)
}

function unusable(cause: unknown, port: number, host: string): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : ''
  if (code === 'EADDRINUSE')
    return `Port ${port} is in use. Stop what listens there, or set PORT to another one.`
  if (code === 'EACCES') return `Port ${port} may not be opened by this user. Set PORT to one above 1023.`
  const address = `${host}:${port}`
  return `The server cannot listen on ${address} (${String(code)}). Set HOST and PORT anew.`
}

function limitConnections(server: Server, connectionsMax: number, runtime: Runtime): void {
  const accept = server.listeners('connection')
  let count = 0
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    if (count >= connectionsMax) {
      refuse(
        socket,
        'SERVER_FULL',
        `${connectionsMax} connections are open, and no more fit. Try again later.`,
      )
      // Whoever does not hang up after that is cut off.
      runtime.setTimer(checkingMs, () => socket.destroy(), { keepAlive: false })
      return
    }
    count++
    socket.once('close', () => count--)
    for (const listener of accept) Reflect.apply(listener, server, [socket])
  })
}

const codeByNodeCode: ReadonlyMap<string, readonly [ErrorCode, string]> = new Map([
  ['HPE_HEADER_OVERFLOW', ['HEADERS_TOO_LARGE', 'The headers are too large. Send less.']],
  ['ERR_HTTP_REQUEST_TIMEOUT', ['REQUEST_TIMEOUT', 'The request did not arrive in time.']],
])
const malformed = ['REQUEST_MALFORMED', 'This is no HTTP request that the server can read.'] as const

function refuseBrokenRequest(fault: Error, socket: Duplex): void {
  const nodeCode = 'code' in fault ? String(fault.code) : ''
  if (nodeCode === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [code, message] = codeByNodeCode.get(nodeCode) ?? malformed
  refuse(socket, code, message)
}

/** Writes a problem document on a bare socket and closes it. */
function refuse(socket: Duplex, code: ErrorCode, message: string): void {
  socket.on('error', () => socket.destroy())
  const problem = problemOf(new RampartError(code, message))
  const body = problemText(problem)
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    ...(problem.status === 503 ? ['Retry-After: 2'] : []),
    ...(problem.status === 405 ? ['Allow: GET, HEAD, POST, PUT'] : []),
    'Connection: close',
  ]
  socket.resume()
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

function socketsOf(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

interface Closing {
  readonly server: Server
  /** Its open connections. */
  readonly sockets: ReadonlySet<Socket>
}

async function closeServer({ server, sockets }: Closing, graceMs: number, runtime: Runtime): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
  const deadlineMs = runtime.elapsedMs() + graceMs
  while ((await connectionsOf(server)) > 0 && runtime.elapsedMs() < deadlineMs) {
    // Connections that were busy a moment ago become idle without noticing that the server closes.
    server.closeIdleConnections()
    // oxlint-disable-next-line no-await-in-loop -- what is in flight gets a bounded time
    await Promise.race([closed, sleep(runtime, closingPollMs)])
    // Clients keep connections in store, and Node calls one idle only after its first request.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
  server.closeAllConnections()
  await closed
}

function connectionsOf(server: Server): Promise<number> {
  // A server that cannot count any more has none.
  return new Promise((resolve) => server.getConnections((fault, count) => resolve(fault ? 0 : count)))
}
