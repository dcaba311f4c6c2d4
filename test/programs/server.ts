// Runs programs of the workspace as processes and waits for the servers among them, for tests of apps and
// faults.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

/** The folder of the workspace. */
export const workspaceRoot = join(import.meta.dirname, '../..')
// A busy machine is slow, and what comes late has come.
const waitMsMax = 60_000

/** Variables of a process; those that are undefined are taken away. */
export type Settings = Readonly<Record<string, string | undefined>>

/** A process and what it has printed so far. */
export interface Running {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly kill: (signal: 'SIGKILL' | 'SIGTERM') => void
  /** Its exit code; null when a signal killed it. */
  readonly exited: Promise<number | null>
  readonly isRunning: () => boolean
}

/** A server that answers. */
export interface StartedServer {
  readonly base: string
  readonly process: Running
  /** Ends the process by a signal and resolves with its exit code; null when the signal killed it. */
  readonly end: (signal: 'SIGKILL' | 'SIGTERM') => Promise<number | null>
}

/** Starts a program, in the workspace's root unless said. */
export function run(
  program: string,
  args: readonly string[],
  { cwd = workspaceRoot, env = {} }: { readonly cwd?: string; readonly env?: Settings } = {},
): Running {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const exited = (once(child, 'close') as Promise<[number | null]>).then(([code]) => code)
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    exited,
    isRunning: () => child.exitCode === null && child.signalCode === null,
  }
}

/** Starts an app by `rampart run`. */
export function runApp(app: string, env: Settings): Running {
  const program = join(workspaceRoot, 'packages/rampart/bin/rampart.js')
  return run(process.execPath, ['--conditions=rampart-source', program, 'run', app], { env })
}

/** Starts a server on a port of its own unless its settings name one, and waits until it is ready. */
export async function startServer(
  start: (env: Settings) => Running,
  settings: Settings,
): Promise<StartedServer> {
  const running = start({ PORT: '0', ...settings })
  let base = ''
  try {
    await until(async () => {
      if (!running.isRunning()) throw new Error(`The server ended:\n${running.stdout()}${running.stderr()}`)
      base = /listens on (\S+)\n/.exec(running.stdout())?.[1] ?? ''
      return base !== '' && (await statusOf(`${base}/readyz`)) === 200
    })
  } catch (error) {
    running.kill('SIGKILL')
    throw error
  }
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    running.kill(signal)
    return running.exited
  }
  return { base, process: running, end }
}

/** The status of an answer; undefined when nobody answers. */
export async function statusOf(target: string): Promise<number | undefined> {
  try {
    const response = await fetch(target)
    await response.text()
    return response.status
  } catch {
    // Nobody listens.
    return undefined
  }
}

/** Waits for a condition, a minute at most unless said. */
export async function until(isMet: () => Promise<boolean>, forMs: number = waitMsMax): Promise<void> {
  const deadline = Date.now() + forMs
  while (!(await isMet())) {
    if (Date.now() > deadline) throw new Error(`The condition was not met within ${forMs} ms.`)
    await setTimeout(10)
  }
}
