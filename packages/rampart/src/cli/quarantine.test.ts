// `rampart quarantine` against a real server: before and after its code is mended.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const bin = join(import.meta.dirname, '../../bin/rampart.js')
const counter = join(import.meta.dirname, 'test/fixtures/counter')
const folder = await mkdtemp(join(tmpdir(), 'rampart-quarantine-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function serve(settings: Record<string, string>) {
  const env = { ...process.env, INIT_CWD: '', PORT: '0', RAMPART_DATA: folder, ...settings }
  const child = spawn(process.execPath, [bin, 'run', '--mount', `/one=${counter}`], { env })
  child.stderr.resume()
  let output = ''
  for await (const chunk of child.stdout) {
    output += String(chunk)
    if (output.includes('listens on')) break
  }
  const url = `${/listens on (\S+)/.exec(output)?.[1] ?? ''}/one`
  return {
    url,
    count: async (streamId: string, by: number) => {
      const body = JSON.stringify({ streamId, data: { by } })
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${url}/commands/Count`, { method: 'POST', headers, body })
      expect(response.status).toBe(200)
      return response.headers.get('consistency-token') ?? ''
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

async function rampart(...args: readonly string[]): Promise<readonly [number, string]> {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, RAMPART_TOKEN: 'x' } })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  child.stderr.on('data', (chunk) => (output += String(chunk)))
  const [code] = await once(child, 'close')
  return [Number(code), output]
}

test('an operator finds a quarantined key, and heals it after the code is mended', async () => {
  {
    await using server = await serve({ COUNTER_FAILS_AT: '13' })
    const { url, count } = server
    expect(await rampart('quarantine', 'list', '--url', url)).toEqual([0, 'Nothing is quarantined.\n'])
    await count('a/ b', 1)
    await count('a/ b', 13)
    await count('a/ b', 2)
    const token = await count('b', 5)
    const headers = { 'consistency-token': token }
    expect((await fetch(`${url}/reads/totals/b`, { headers })).status).toBe(200)
    expect(await rampart('quarantine', 'list', '--url', url)).toEqual([
      1,
      expect.stringMatching(
        /^totals {2}a\/ b {2}2 events wait since 2\d+-\S+Z {2}Counted at position 2 .*unlucky\n$/,
      ),
    ])
    const [code, shown] = await rampart('quarantine', 'show', 'totals', 'a/ b', '--url', url)
    expect([code, JSON.parse(shown)]).toMatchObject([
      0,
      {
        key: 'a/ b',
        document: { version: 1, data: { total: 1 } },
        events: [{ position: 2 }, { position: 3 }],
      },
    ])
    for (const action of ['dry-run', 'replay']) {
      expect(await rampart('quarantine', action, 'totals', 'a/ b', '--url', url)).toEqual([
        1,
        expect.stringMatching(/stays quarantined: after 0 events, .*13 is unlucky/),
      ])
    }
    await count('c', 13)
    await fetch(`${url}/reads/totals/b`, { headers: { 'consistency-token': await count('b', 1) } })
    expect(await rampart('quarantine', 'skip', 'totals', 'c', '--url', url)).toEqual([
      0,
      'totals c is healed: 0 events lead to null\n',
    ])
  }
  await using server = await serve({})
  const { url } = server
  expect((await fetch(`${url}/reads/totals/${encodeURIComponent('a/ b')}`)).status).toBe(503)
  expect(await rampart('quarantine', 'dry-run', 'totals', 'a/ b', '--url', url)).toEqual([
    0,
    'totals a/ b would be healed: 2 events lead to {"version":3,"data":{"total":16}}\n',
  ])
  expect(await rampart('quarantine', 'replay', 'totals', 'a/ b', '--url', url)).toEqual([
    0,
    'totals a/ b is healed: 2 events lead to {"version":3,"data":{"total":16}}\n',
  ])
  expect(await rampart('quarantine', 'list', '--url', url)).toEqual([0, 'Nothing is quarantined.\n'])
  expect(await rampart('rebuild', 'totals', '--url', url)).toEqual([
    1,
    'totals is live as version 1, generation 1.\n' +
      'The build version 1, generation 2 differs in 1 documents (2 and 3 documents): c. It brings ' +
      'back what was skipped: Counted at position 5 of c. Use --accept or --drop.\n',
  ])
  expect((await fetch(`${url}/reads/totals/c`)).status).toBe(404)
  expect((await rampart('rebuild', 'totals', '--accept', '--url', url))[0]).toBe(0)
  expect((await fetch(`${url}/reads/totals/c`)).status).toBe(200)
  expect(await rampart('quarantine', 'replay', 'totals', 'a/ b', '--url', url)).toEqual([
    2,
    expect.stringMatching(/answered 404: totals has no quarantined key/),
  ])
})

test('an operator rebuilds a projection and goes back', async () => {
  await using server = await serve({ RAMPART_DATA: join(folder, 'rebuilt') })
  const { url, count } = server
  const headers = { 'consistency-token': await count('a', 5) }
  expect((await fetch(`${url}/reads/totals/a`, { headers })).status).toBe(200)
  expect(await rampart('rebuild', 'totals', '--url', url)).toEqual([
    0,
    'totals is live as version 1, generation 2.\n' +
      'The build version 1, generation 2 took its place (1 and 1 documents).\n' +
      'Kept for the way back: version 1, generation 1.\n',
  ])
  const [, back] = await rampart('rebuild', 'totals', '--back', '--url', url)
  expect(back).toMatch(/^totals is live as version 1, generation 1\.\n/)
  expect(await rampart('rebuild', 'totals', '--status', '--url', url)).toEqual([0, back])
  expect(await rampart('rebuild', 'totals', '--drop', '--url', url)).toEqual([
    2,
    expect.stringMatching(/has no build that differs/),
  ])
})

test('what cannot be carried out ends with 2 and a sentence', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['list', '--url', 'http://127.0.0.1:1'], /^No server answers at .*Start it/],
    [['list', '--url', 'nowhere'], /takes an address/],
    [['replay', 'totals'], /missing required argument 'key'/],
    [['mend'], /unknown command/],
  ]
  for (const [args, sentence] of cases) {
    const [code, output] = await rampart('quarantine', ...args)
    expect([code, output]).toEqual([2, expect.stringMatching(sentence)])
    expect(output).not.toMatch(/\n\s+at /)
  }
})

test('a process that only serves refuses what it cannot carry out, which is not an empty list', async () => {
  const detail = 'This process runs counter with serve only. Ask one that has the role project.'
  const server = createServer((_, response) => {
    response.writeHead(404).end(JSON.stringify({ code: 'ROLE_ELSEWHERE', detail }))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    // A server on a port has an address of that form.
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const asked = [
      ['quarantine', 'list'],
      ...['show', 'dry-run', 'replay', 'skip'].map((action) => ['quarantine', action, 'totals', 'a']),
      ['rebuild', 'totals'],
      ['rebuild', 'totals', '--status'],
    ]
    const refused = await Promise.all(asked.map((args) => rampart(...args, '--url', url)))
    for (const one of refused) expect(one).toEqual([2, expect.stringContaining(`answered 404: ${detail}\n`)])
  } finally {
    server.close()
  }
})

test('a server that is something else is told from one of ours', async () => {
  const answers = new Map<string, readonly [number, string]>([
    ['/page', [200, '<h1>Welcome</h1>']],
    ['/gone', [404, '<h1>Not here</h1>']],
    ['/other', [200, '{"items":[{"projection":"totals","key":7}]}']],
    ['/guarded', [401, '{"code":"UNAUTHENTICATED","detail":"A token is needed."}']],
  ])
  const server = createServer(({ url }, response) => {
    const [status, body] = answers.get(/^\/\w+/.exec(url ?? '')?.[0] ?? '') ?? [404, '']
    response.writeHead(status).end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    // A server on a port has an address of that form.
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const listed = await Promise.all(
      [...answers.keys()].map((path) => rampart('quarantine', 'list', '--url', `${base}${path}`)),
    )
    expect(listed.map(([code, output]) => [code, output.replaceAll(base, 'BASE')])).toEqual([
      [
        2,
        expect.stringMatching(
          /^The answer of BASE\/page\S+ is no object: what runs there is no Rampart, or /,
        ),
      ],
      [2, expect.stringMatching(/answered 404: <h1>Not here<\/h1> This is no Rampart/)],
      [
        2,
        expect.stringMatching(/^\/items\/0\/queued in the answer of BASE\/other\S+ is no number: what runs/),
      ],
      [
        2,
        expect.stringMatching(/answered 401: A token is needed\. Set RAMPART_TOKEN to a token with the role/),
      ],
    ])
  } finally {
    server.close()
  }
})
