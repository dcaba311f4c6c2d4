// A program that opens event streams, stops reading them, and places large orders meanwhile; it prints what
// came of it. It runs in a network of its own, whose buffers are small: loopback takes megabytes for a reader
// who reads nothing, before a server has to hold anything for it.
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { requestBytes, watch } from './attacks.ts'
import { place, startServer, until } from './server.ts'
import { temporaryFolder } from './tools.ts'

/** What came of it. */
export interface Outcome {
  /** How many readers were cut off when all orders were placed, and how many in the end. */
  readonly cut: readonly [number, number]
  /** The most memory that the server had at one time. */
  readonly peakMib: number
  /** The slowest answers of `/healthz`, and of a command beside the readers and without them. */
  readonly healthMs: number
  readonly besideMs: number
  readonly aloneMs: number
  /** The orders after the place that a reader had reached, and those that it was shown from there. */
  readonly missed: readonly string[]
  readonly shown: readonly string[]
}

/** Who reads nothing is cut off after 30 s in any case. */
const cutMsMax = 60_000

interface Reader {
  readonly socket: Socket
  /** The place of the last event that it read. */
  readonly lastId: string
}

/** Opens a stream, reads up to its first event and then no more. */
async function openAndStall(base: string): Promise<Reader> {
  const socket = connect(Number(new URL(base).port), '127.0.0.1')
  socket.on('error', () => socket.destroy())
  socket.write(requestBytes('GET', '/reads/order', '', 'Accept: text/event-stream\r\n'))
  let text = ''
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    text += chunk.toString()
    const id = /^id: (.*)$/m.exec(text)?.[1]
    if (id === undefined) continue
    socket.pause()
    return { socket, lastId: id }
  }
}

/** The keys that a stream shows after a place, until all of these are among them. */
async function readAfter(base: string, lastId: string, keys: readonly string[]): Promise<readonly string[]> {
  const ending = new AbortController()
  const headers = { accept: 'text/event-stream', 'last-event-id': lastId }
  const response = await fetch(`${base}/reads/order`, { headers, signal: ending.signal })
  const shown: string[] = []
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines)
      if (line.startsWith('data: ')) shown.push(Object(JSON.parse(line.slice('data: '.length))).key)
    if (keys.every((key) => shown.includes(key))) break
  }
  ending.abort()
  return shown
}

/** Places large orders one after the other, and tells how long the slowest took. */
async function placeMany(base: string, prefix: string) {
  const ids = Array.from({ length: 5 }, (_, number) => `${prefix}-${number}`)
  let slowestMs = 0
  for (const id of ids) {
    const begunMs = performance.now()
    const { status } = await place(base, id, { lines: 1900 })
    if (status !== 200) throw new Error(`The order ${id} was answered with ${status}.`)
    slowestMs = Math.max(slowestMs, performance.now() - begunMs)
  }
  return { ids, slowestMs: Math.round(slowestMs) }
}

async function stall(dataFolder: string, readers: number, untilAllAreCut: boolean): Promise<Outcome> {
  await using server = await startServer({ dataFolder, environment: { RAMPART_CONNECTIONS: '600' } })
  const { base } = server
  await place(base, 'first')
  const stalled = await Promise.all(Array.from({ length: readers }, () => openAndStall(base)))
  let cut = 0
  // Whoever does not read hears of the end by an error only, when it sends something.
  for (const { socket } of stalled) socket.once('close', () => cut++)
  const watched = await watch(server)
  const beside = await placeMany(base, 'beside')
  const nudge = async (isEnough: () => boolean): Promise<void> =>
    until(async () => {
      for (const { socket } of stalled) if (!socket.destroyed) socket.write('\r\n')
      return isEnough()
    }, cutMsMax)
  await nudge(() => cut > 0)
  const cutAtOnce = cut
  if (untilAllAreCut) await nudge(() => cut === readers)
  const { peakMib, healthMs } = await watched.end()
  const cutInAll = cut
  for (const { socket } of stalled) socket.destroy()
  const alone = await placeMany(base, 'alone')
  const missed = [...beside.ids, ...alone.ids]
  const shown = await readAfter(base, stalled[0]?.lastId ?? '', missed)
  const [besideMs, aloneMs] = [beside.slowestMs, alone.slowestMs]
  return { cut: [cutAtOnce, cutInAll], peakMib, healthMs, besideMs, aloneMs, missed, shown }
}

const [, script = '', readers = '', how = ''] = process.argv
if (script.endsWith('stalled-readers.ts')) {
  const dataFolder = temporaryFolder()
  try {
    console.log(JSON.stringify(await stall(dataFolder, Number(readers), how === 'all')))
  } finally {
    rmSync(dataFolder, { recursive: true })
  }
}
