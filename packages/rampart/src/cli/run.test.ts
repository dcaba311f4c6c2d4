// `rampart run` as a process: what it serves and prints, how it ends, and what it says when it cannot start.
import { spawn, type ChildProcess } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const bin = join(import.meta.dirname, '../../bin/rampart.js')
const counter = join(import.meta.dirname, 'test/fixtures/counter')
const folder = await mkdtemp(join(tmpdir(), 'rampart-run-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Started extends AsyncDisposable {
  readonly child: ChildProcess
  readonly url: Promise<string>
  readonly exited: Promise<number | null>
  readonly output: () => { readonly stdout: string; readonly stderr: string }
}

let places = 0
function start(args: readonly string[], settings: Readonly<Record<string, string>> = {}): Started {
  return startProcess(process.execPath, [bin, 'run', ...args], settings)
}

function startProcess(
  program: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): Started {
  const environment = {
    ...process.env,
    INIT_CWD: '',
    PORT: '0',
    RAMPART_DATA: join(folder, `data-${++places}`),
  }
  const child = spawn(program, args, { cwd: folder, env: { ...environment, ...settings } })
  const output = { stdout: '', stderr: '' }
  const listening = Promise.withResolvers<string>()
  child.stderr.on('data', (chunk) => (output.stderr += String(chunk)))
  child.stdout.on('data', (chunk) => {
    output.stdout += String(chunk)
    const url = /listens on (\S+)/.exec(output.stdout)?.[1]
    if (url !== undefined) listening.resolve(url)
  })
  // What it has printed is whole once its output is closed.
  const exited = once(child, 'close').then(([code]) => code as number | null)
  void exited.then(() => listening.reject(new Error(`it ended before it listened: ${output.stderr}`)))
  listening.promise.catch(() => {})
  return {
    child,
    url: listening.promise,
    exited,
    output: () => output,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function count(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/commands/Count`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ streamId: 'a', data: { by: 2 } }),
  })
}

test('serves an app at the root and others below prefixes, and says where to look', async () => {
  await using started = start(['--mount', `/one=${counter}`])
  const url = await started.url
  expect((await count(`${url}/one`)).status).toBe(200)
  const { stdout, stderr } = started.output()
  expect(stdout).toContain(`${url}/one/docs`)
  expect(stdout).toContain('data-')
  expect(stdout).not.toContain('\u001b')
  expect(stderr).toBe('')
  // The process that was started has taken the heap settings of a server.
  expect(await readFile(`/proc/${started.child.pid}/cmdline`, 'utf8')).toContain('--max-semi-space-size=8')
})

test('ends with 0 on SIGTERM, answers what waits, and keeps what was acknowledged', async () => {
  const settings = { RAMPART_DATA: join(folder, 'kept') }
  await using started = start([counter], settings)
  const url = await started.url
  const first = await (await count(url, { 'idempotency-key': 'k' })).json()
  const held = fetch(`${url}/reads/totals/a?v=9`, { headers: { prefer: 'wait=60' } })
  const stream = await fetch(`${url}/reads/totals`, { headers: { accept: 'text/event-stream' } })
  const startedMs = performance.now()
  started.child.kill('SIGTERM')
  expect((await held).status).toBe(503)
  expect(await stream.text()).toMatch(/retry: \d+\n\n$/)
  expect(await started.exited).toBe(0)
  expect(performance.now() - startedMs).toBeLessThan(10_000)
  expect(started.output().stderr).toBe('SIGTERM: finishing what is in flight\n')
  await using again = start([counter], settings)
  expect(await (await count(await again.url, { 'idempotency-key': 'k' })).json()).toEqual(first)
})

test('ends at once on a second signal', async () => {
  await using started = start([counter])
  await started.url
  started.child.kill('SIGTERM')
  await expect.poll(() => started.output().stderr).toContain('finishing')
  started.child.kill('SIGINT')
  expect([0, 1]).toContain(await started.exited)
})

test('ends with 0 on a signal that comes while it waits for its database', async () => {
  await using started = start([counter], { RAMPART_STORE: 'postgres://nobody@127.0.0.1:1/none' })
  await expect.poll(() => started.output().stderr, { timeout: 20_000 }).toContain('waits for the database')
  expect(started.output().stderr).toContain('can be reached. This process tries again by itself.')
  started.child.kill('SIGTERM')
  expect(await started.exited).toBe(0)
})

test('ends with npm, to whom SIGTERM is sent', async () => {
  const own = join(folder, 'package')
  await mkdir(own)
  const script = `exec '${process.execPath}' '${bin}' run '${counter}'`
  await writeFile(join(own, 'package.json'), JSON.stringify({ name: 'own', scripts: { start: script } }))
  await using started = startProcess('npm', ['start', '--prefix', own], {})
  const url = await started.url
  started.child.kill('SIGTERM')
  expect(await started.exited).toBe(0)
  await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed')
})

describe('a start that cannot work', () => {
  const cases: readonly (readonly [string, number, readonly string[], Record<string, string>, RegExp])[] = [
    ['a bad port', 2, [counter], { PORT: 'abc' }, /^PORT is "abc"\. Set it to a whole number/],
    ['an open address', 2, [counter], { HOST: '0.0.0.0' }, /nobody is authenticated/],
    ['no module there', 2, ['nothing'], {}, /There is no app at .*nothing/],
    ['no app in it', 2, [bin.replace('rampart.js', '../scripts/copy-sql.ts')], {}, /default export|no app/],
    ['no app at all', 2, [], {}, /There is no app to serve/],
    ['a mount without a module', 2, ['--mount', '/one'], {}, /--mount takes a prefix and a module/],
    ['a bad prefix', 2, ['--mount', `one=${counter}`], {}, /prefix "one" is invalid/],
  ]
  test.each(cases)('for %s ends with %i and a sentence', async (_, code, args, settings, sentence) => {
    const started = start(args, settings)
    expect(await started.exited).toBe(code)
    expect(started.output().stderr).toMatch(sentence)
    expect(started.output().stderr).not.toMatch(/\n\s+at /)
  })

  test('for a port or data that another has ends with a sentence', async () => {
    const settings = { RAMPART_DATA: join(folder, 'locked') }
    await using first = start([counter], settings)
    const { port } = new URL(await first.url)
    const samePort = start([counter], { PORT: port })
    expect([await samePort.exited, samePort.output().stderr]).toEqual([
      2,
      expect.stringContaining('is in use'),
    ])
    const sameData = start([counter], settings)
    expect([await sameData.exited, sameData.output().stderr]).toEqual([
      1,
      expect.stringContaining('write.sqlite'),
    ])
  })

  test('for a data folder where none can be made ends with 2 and a sentence', async () => {
    await using started = start([counter], { RAMPART_DATA: '/proc/rampart/data' })
    const giveUp = setTimeout(() => started.child.kill('SIGKILL'), 20_000)
    expect([await started.exited, started.output().stderr]).toEqual([
      2,
      expect.stringMatching(/^The folder \/proc\/rampart\/data\/counter cannot be created: .*RAMPART_DATA/),
    ])
    clearTimeout(giveUp)
  })

  test('for a data folder that is a file ends with 2 and a sentence', async () => {
    const file = join(folder, 'a-file')
    await writeFile(file, '')
    await chmod(file, 0o400)
    const started = start([counter], { RAMPART_DATA: file })
    expect([await started.exited, started.output().stderr]).toEqual([
      2,
      expect.stringContaining('RAMPART_DATA'),
    ])
  })
})
