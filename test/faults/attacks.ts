// Clients that want too much of a server at once, and what that costs it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Server } from './server.ts'

/** An attack: connections that all send the same kind of requests at one moment. */
export interface Attack {
  readonly requests: (connection: number) => readonly Buffer[]
  /** Whether the answers are read; whoever does not read leaves them to the server. */
  readonly reads: boolean
}

/** What an attack did to a server. */
export interface Effect {
  /** The most memory that it had at one time. */
  readonly peakMib: number
  /** The slowest answer of `/healthz` meanwhile. */
  readonly healthMs: number
}

const connections = 480

/** A request as it goes over the wire. */
export function requestBytes(method: string, path: string, body = '', headers = ''): Buffer {
  const content = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${headers}${content}\r\n${body}`)
}

/** Attacks a server for so long, and watches its memory and its health meanwhile. */
export async function attack(server: Server, { requests, reads }: Attack, forMs: number): Promise<Effect> {
  const watched = await watch(server)
  const port = Number(new URL(server.base).port)
  const attackers = Array.from({ length: connections }, (_, number) => {
    const socket = connect(port, '127.0.0.1')
    // Being cut off is what an attacker has to expect.
    socket.on('error', () => socket.destroy())
    if (reads) socket.resume()
    for (const request of requests(number)) socket.write(request)
    return socket
  })
  await setTimeout(forMs)
  for (const socket of attackers) socket.destroy()
  return watched.end()
}

/** Watches the memory of a server and its health. */
export async function watch({ base, pid }: Server): Promise<{ readonly end: () => Promise<Effect> }> {
  const program = join(import.meta.dirname, 'health-watch.ts')
  const watcher = spawn(process.execPath, [program, base], { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  watcher.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = once(watcher, 'close')
  await Promise.race([once(watcher.stdout, 'data'), ended])
  // The highest mark begins anew (proc_pid_clear_refs(5)).
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return {
    async end() {
      watcher.stdin.end()
      await ended
      return { peakMib: peakMib(pid), healthMs: Number(output.split('\n').at(1)) }
    },
  }
}

function peakMib(pid: number): number {
  const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib) / 1024)
}
