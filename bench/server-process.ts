// Servers of the benchmarks in processes of their own, ended when whoever needed them is done.
import { spawn, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** A program that serves until it gets SIGTERM. */
export interface Program {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** What `rampart run` gives to V8. */
export const flagsOfRun = [
  '--max-semi-space-size=8',
  '--heap-growing-percent=20',
  '--no-allocation-site-pretenuring',
]

/** A script of Node that prints its address. */
export interface Server extends Pick<Program, 'env'> {
  readonly script: string
  readonly flags?: readonly string[]
}

/** Runs a server, and works with it at its address. */
export function withServer<T>(
  { script, env, flags = [] }: Server,
  work: (url: string, child: ChildProcess) => Promise<T>,
): Promise<T> {
  const args = [...flags, '--conditions=rampart-source', script]
  return withProgram({ file: process.execPath, args, env }, async (child) =>
    work(await addressOf(child), child),
  )
}

/**
 * Milliseconds of processor time that the first thread of a process has had, which is the one that serves.
 * Not a number where the system does not count that.
 */
export async function servingMs({ pid }: ChildProcess): Promise<number> {
  const counted = await readFile(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').catch(() => '')
  return Number.parseInt(counted, 10) / 1e6
}

/** Runs a program while `work` needs it. */
export async function withProgram<T>(
  { file, args, env }: Program,
  work: (child: ChildProcess) => Promise<T>,
): Promise<T> {
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    return await work(child)
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  let printed = ''
  for await (const chunk of child.stdout ?? []) {
    printed += String(chunk)
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? []
    if (address !== undefined) return address
  }
  throw new Error('The server ended before it listened.')
}
