// Servers of the benchmarks in processes of their own, ended when whoever needed them is done.
import { spawn, type ChildProcess } from 'node:child_process'

/** A program that serves until it gets SIGTERM. */
export interface Program {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Runs a script of Node that prints its address, and works with it. */
export function withServer<T>(
  script: string,
  env: Program['env'],
  work: (url: string) => Promise<T>,
): Promise<T> {
  const args = ['--conditions=rampart-source', script]
  return withProgram({ file: process.execPath, args, env }, async (child) => work(await addressOf(child)))
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
