// A network between a process and its database that fails as networks do, for the tests of faults.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A proxy of one server. */
export interface Proxy extends AsyncDisposable {
  /** A URL of that server, through here. */
  readonly through: (url: string) => string
  /** Ends all connections. */
  readonly cut: () => void
  /** Ends all connections and takes none, until it is `up` again on the same port. */
  readonly down: () => Promise<void>
  readonly up: () => Promise<void>
  /** From now on what clients send on their connections is kept here; connections that come later pass. */
  readonly hold: () => void
  /** The same of connections that come later: nothing is refused, and nothing is ever answered. */
  readonly silence: () => void
  /** Sends on what was kept, also of connections whose client has gone meanwhile. */
  readonly release: () => void
  /** Keeps the next answers to such requests to itself, each with the end of its connection. */
  readonly loseAnswers: (count: number, toRequest: string) => void
  /** How many answers were lost so far. */
  readonly lost: () => number
  /** Counts such requests from now on. */
  readonly count: (request: string) => () => number
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  held: Buffer[] | undefined
  isAnswerLost: boolean
}

/** Starts a proxy on a free port of loopback. */
export async function startProxy(target: string): Promise<Proxy> {
  const links = new Set<Link>()
  let isSilent = false
  const losing = { left: 0, request: '', lost: 0 }
  const counted: { readonly request: string; seen: number }[] = []
  const { hostname, port } = new URL(target)
  const listener = createServer({ allowHalfOpen: true }, (client) =>
    link(client, connect(Number(port), hostname)),
  )
  const link = (client: Socket, server: Socket): void => {
    const own: Link = { client, server, held: isSilent ? [] : undefined, isAnswerLost: false }
    links.add(own)
    client.on('data', (chunk: Buffer) => {
      for (const one of counted) one.seen += chunk.toString('latin1').split(one.request).length - 1
      if (own.held !== undefined) return void own.held.push(chunk)
      own.isAnswerLost ||= losing.left > 0 && chunk.includes(losing.request)
      server.write(chunk)
    })
    server.on('data', (chunk: Buffer) => {
      if (!own.isAnswerLost) return void client.write(chunk)
      losing.left--
      losing.lost++
      end(own)
    })
    // What was kept goes on later even if its client has gone, as packets do that are under way.
    client.on('end', () => own.held ?? server.end())
    client.on('close', () => own.held ?? server.destroy())
    server.on('close', () => {
      links.delete(own)
      client.destroy()
    })
    for (const socket of [client, server]) socket.on('error', () => socket.destroy())
  }
  let ownPort = 0
  const up = async (): Promise<void> => {
    listener.listen(ownPort, '127.0.0.1')
    await once(listener, 'listening')
    const address = listener.address()
    ownPort = typeof address === 'object' && address !== null ? address.port : 0
  }
  const down = async (): Promise<void> => {
    links.forEach(end)
    if (!listener.listening) return
    listener.close()
    await once(listener, 'close')
  }
  const hold = (): void => links.forEach((each) => (each.held ??= []))
  await up()
  return {
    through: (url) => Object.assign(new URL(url), { hostname: '127.0.0.1', port: ownPort }).href,
    cut: () => links.forEach(end),
    down,
    up,
    hold,
    silence() {
      isSilent = true
      hold()
    },
    release() {
      isSilent = false
      links.forEach(release)
    },
    loseAnswers: (count, toRequest) => Object.assign(losing, { left: count, request: toRequest }),
    lost: () => losing.lost,
    count: (request) => {
      const one = { request, seen: 0 }
      counted.push(one)
      return () => one.seen
    },
    [Symbol.asyncDispose]: down,
  }
}

function end({ client, server }: Link): void {
  client.destroy()
  server.destroy()
}

function release(own: Link): void {
  for (const chunk of own.held ?? []) own.server.write(chunk)
  own.held = undefined
  if (own.client.destroyed) own.server.end()
}
