// Kills a process at every system call in turn with which it changes files, and looks at what it left.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { acts, type Act } from './acts.ts'
import { temporaryFolder } from './tools.ts'

/** Calls that change files or make a change last. */
const calls = ['pwrite64', 'pwritev', 'fsync', 'fdatasync', 'ftruncate', 'unlink', 'unlinkat', 'rename']
// What Node writes for itself is no part of an act, and is not written every time.
const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' }
const program = join(import.meta.dirname, 'acts.ts')

/** What a sweep has met. */
export interface Sweep {
  /** At how many points. */
  readonly killed: number
  /** What was wrong, point by point. */
  readonly broken: readonly string[]
}

/** Kills an act at every point, or at the middle one of each system call. */
export async function sweep(name: string, points: 'all' | 'middle'): Promise<Sweep> {
  const act = acts[name]
  if (act === undefined) throw new Error(`There is no act ${JSON.stringify(name)}.`)
  const root = temporaryFolder()
  try {
    const before = join(root, 'before')
    mkdirSync(before)
    await act.prepare(before)
    const counts = await countCalls(name, copyOf(before, join(root, 'counted')), join(root, 'trace'))
    const looks = [before, join(root, 'counted')].map((folder) => act.look(copyOf(folder, `${folder}-seen`)))
    const states = await Promise.all(looks)
    const broken: string[] = []
    let killed = 0
    for (const [call, count] of counts) {
      for (const when of points === 'all' ? upTo(count) : [Math.ceil(count / 2)]) {
        killed += 1
        const folder = copyOf(before, join(root, `${call}-${when}`))
        const acknowledged = await killAt(name, folder, `${call}:signal=SIGKILL:when=${when}`)
        const fault = await faultOf({ act, folder, states, acknowledged })
        if (fault !== undefined) broken.push(`${name}, killed at ${call} ${when}: ${fault}`)
        rmSync(folder, { recursive: true })
      }
    }
    return { killed, broken }
  } finally {
    rmSync(root, { recursive: true })
  }
}

function copyOf(folder: string, to: string): string {
  cpSync(folder, to, { recursive: true })
  return to
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

function straced(name: string, folder: string, options: readonly string[]): readonly string[] {
  const traced = ['-f', '-qq', ...options]
  return [...traced, process.execPath, '--conditions=rampart-source', program, name, folder]
}

async function countCalls(name: string, folder: string, file: string): Promise<ReadonlyMap<string, number>> {
  execFileSync('strace', straced(name, folder, ['-o', file, '-e', `trace=${calls.join(',')}`]), { env })
  const trace = readFileSync(file, 'utf8')
  const counted = calls.map((call) => [call, trace.split(` ${call}(`).length - 1] as const)
  return new Map(counted.filter(([, count]) => count > 0))
}

/** Whether the act was acknowledged before it died. */
async function killAt(name: string, folder: string, fault: string): Promise<boolean> {
  const [call] = fault.split(':')
  const options = ['-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${fault}`]
  const child = spawn('strace', straced(name, folder, options), {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [, signal] = await once(child, 'close')
  if (signal !== 'SIGKILL') throw new Error(`${name} did not come to ${fault}.`)
  return output === 'acknowledged'
}

interface Left {
  readonly act: Act
  readonly folder: string
  /** What may stand there: before the act, and after it. */
  readonly states: readonly unknown[]
  readonly acknowledged: boolean
}

async function faultOf({ act, folder, states, acknowledged }: Left): Promise<string | undefined> {
  try {
    const [, after] = states
    const found = await act.look(folder)
    const isWhole = (acknowledged ? [after] : states).some((state) => isDeepStrictEqual(found, state))
    if (!isWhole) return `it left ${JSON.stringify(found)}`
    await act.perform(folder)
    const retried = await act.look(folder)
    return isDeepStrictEqual(retried, after) ? undefined : `a retry leads to ${JSON.stringify(retried)}`
  } catch (error) {
    return String(error)
  }
}
