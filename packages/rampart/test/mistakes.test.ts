// Deliberate mistakes of every kind, as users make them, and what each is told: what happened, what there is,
// and what to do. Nobody is shown a stack, or an error of a driver or of Node without a sentence around it.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { context, decider, events, isRampartError, projection, state } from 'rampart'
import { app, loadApp, openApp, startHost } from 'rampart/host'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'

const bin = join(import.meta.dirname, '../bin/rampart.js')
const folder = await mkdtemp(join(tmpdir(), 'rampart-mistakes-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const amount = z.strictObject({ cents: z.int() })
const moves = events('account', {
  MoneyMoved: { version: 1, schema: amount },
  AccountClosed: { version: 1, schema: z.strictObject({}) },
})
const evolve = {
  MoneyMoved: (before: { cents: number }, { cents }: { cents: number }) => ({ cents: before.cents + cents }),
  AccountClosed: (before: { cents: number }) => before,
}
const parts = {
  state: state(1, () => ({ cents: 0 })),
  evolve,
  commands: {
    Move: {
      schema: amount,
      refuses: [],
      decide: (_: unknown, { cents }: { cents: number }) => moves.make.MoneyMoved({ cents }),
    },
  },
}
const account = decider(moves, parts)
const reading = {
  version: 1,
  of: moves,
  key: 'stream',
  initial: { cents: 0 as number },
  on: { MoneyMoved: (_: unknown, { data }: { readonly data: { cents: number } }) => data },
} as const
const balances = projection('balances', { ...reading, indexes: ['cents'] })
const bank = app('bank', { contexts: [context('bank', { deciders: [account], projections: [balances] })] })

/** Code without types, which lets every mistake through to the library. */
type Untyped = (...args: readonly unknown[]) => unknown
const untyped = (typed: unknown): Untyped => typed as Untyped

/** What whoever made a mistake is told, with the folder of this test as DIR. */
async function toldBy(mistake: () => unknown): Promise<string> {
  try {
    await mistake()
  } catch (fault) {
    if (isRampartError(fault)) return `${fault.code}: ${fault.message}`.replaceAll(folder, 'DIR')
    throw fault
  }
  throw new Error('nobody noticed the mistake')
}

describe('a definition', () => {
  const other = decider(events('other', {}), { ...parts, evolve: {} })
  const schema = { type: 'object' }
  const mistakes: readonly (readonly [string, () => unknown, string])[] = [
    [
      'an event without evolve',
      () => untyped(decider)(moves, { ...parts, evolve: { MoneyMoved: evolve.MoneyMoved } }),
      'DEFINITION_INVALID: Decider account does not evolve AccountClosed. Add it to evolve.',
    ],
    [
      'an evolve without event',
      () => untyped(decider)(moves, { ...parts, evolve: { ...evolve, MoneyMovd: evolve.MoneyMoved } }),
      'DEFINITION_INVALID: Decider account evolves MoneyMovd, which is no event of it. Did you mean ' +
        'MoneyMoved? ' +
        'It has: MoneyMoved, AccountClosed.',
    ],
    [
      'no state',
      () => untyped(decider)(moves, { ...parts, state: undefined }),
      'DEFINITION_INVALID: Decider account has no state. Give it one: state(1, () => ({ … })).',
    ],
    [
      'what is no schema',
      () => untyped(events)('x', { Happened: { version: 1, schema } }),
      'DEFINITION_INVALID: The event Happened of x has no schema. Give it one of Zod, Valibot, ArkType or ' +
        'another ' +
        'Standard Schema library.',
    ],
    [
      'one command type twice',
      () => context('bank', { deciders: [account, other] }),
      'DEFINITION_INVALID: Context bank has two commands named Move. Rename one.',
    ],
    [
      'a handler of an event that nobody records',
      () => untyped(projection)('balances', { ...reading, on: { MoneyMove: () => ({}) } }),
      'DEFINITION_INVALID: Projection balances names MoneyMove, which none of its sources has. Did you ' +
        'mean ' +
        'MoneyMoved? They have: MoneyMoved, AccountClosed.',
    ],
    [
      'a route to a command that is not there',
      () =>
        app('bank', {
          contexts: bank.contexts,
          routes: [{ method: 'POST', path: '/moves', command: 'Mvoe', answer: () => ({}) }],
        }),
      'APP_INVALID: The route POST /moves of app bank names Mvoe. Did you mean Move? The app has: Move.',
    ],
    [
      'a kind of repository that is none',
      () => untyped(context)('bank', { deciders: [account], repositories: { account: 'stateStord' } }),
      'DEFINITION_INVALID: Context bank names a repository for account of the kind stateStord. Use ' +
        'eventSourced, stateStored or { snapshotEvery }.',
    ],
    [
      'an app without a place for its data',
      () => untyped(openApp)(bank, {}),
      "SETTING_INVALID: An app needs a place for its data. Give it { dataFolder: 'data' }, or " +
        '{ memory: true }.',
    ],
    [
      'an app of nothing',
      () => app('bank', { contexts: [] }),
      "APP_INVALID: App bank has no context. Give it one: contexts: [context('bank', { deciders: [] })].",
    ],
  ]
  test.each(mistakes)('with %s is refused', async (_, mistake, told) => {
    expect(await toldBy(mistake)).toBe(told)
  })
})

describe('a call in process', () => {
  const mistakes: readonly (readonly [string, (running: Record<string, Untyped>) => unknown, string])[] = [
    [
      'to an unknown decider',
      ({ stream }) => stream?.('acount', 'ada'),
      'INPUT_INVALID: This app has no decider "acount". Did you mean account? It has: account.',
    ],
    [
      'of an unknown projection',
      ({ read }) => read?.('balance'),
      'INPUT_INVALID: This app has no projection "balance". Did you mean balances? It has: balances.',
    ],
    [
      'of an unknown index',
      ({ read }) => Object(read?.('balances')).list({ where: { cent: '1' } }),
      'INPUT_INVALID: balances has no index "cent". Did you mean cents? It has: cents.',
    ],
    [
      'with data of another form',
      ({ stream }) => Object(stream?.('account', 'ada')).Move({ cents: 'five' }),
      'INPUT_INVALID: Move is not valid. /cents: Invalid input: expected number, received string.',
    ],
  ]
  test.each(mistakes)('%s is refused', async (_, mistake, told) => {
    await using running = await openApp(bank, { memory: true })
    expect(await toldBy(() => mistake(running as never))).toBe(told)
  })
})

describe('a data folder', () => {
  const place = async (name: string): Promise<string> => {
    const data = join(folder, name)
    await using running = await openApp(bank, { dataFolder: data })
    await running.stream('account', 'ada').Move({ cents: 5 })
    return data
  }

  test('that is a file is refused', async () => {
    await writeFile(join(folder, 'file'), '')
    expect(await toldBy(() => openApp(bank, { dataFolder: join(folder, 'file') }))).toBe(
      'SETTING_INVALID: The folder DIR/file/bank cannot be created: a part of its path is a file. ' +
        'Set RAMPART_DATA to a writable one.',
    )
  })

  test('that is open elsewhere is refused', async () => {
    const dataFolder = join(folder, 'open')
    await using _running = await openApp(bank, { dataFolder })
    expect(await toldBy(() => openApp(bank, { dataFolder }))).toBe(
      'STORE_LOCKED: The store DIR/open/bank/write.sqlite is in use: another writer holds ' +
        'DIR/open/bank/write.sqlite.lock. Stop the process that has the store open, or name another file. ' +
        'Do not delete the lock file: it frees itself when that process ends.',
    )
  })

  test('that is deleted under a running app loses nothing that was acknowledged after it', async () => {
    const dataFolder = join(folder, 'deleted')
    await using running = await openApp(bank, { dataFolder })
    await running.stream('account', 'ada').Move({ cents: 5 })
    await rm(dataFolder, { recursive: true })
    expect(await toldBy(() => running.stream('account', 'ada').Move({ cents: 5 }))).toBe(
      'STORE_UNAVAILABLE: The store DIR/deleted/bank/write.sqlite was deleted or replaced while it was ' +
        'open, and ' +
        'nothing more is recorded: it would be lost. Stop this process, bring the file back or restore a ' +
        'backup, ' +
        'and start again.',
    )
  })

  test('of a newer version is refused', async () => {
    const data = await place('newer')
    const database = new DatabaseSync(join(data, 'bank/write.sqlite'))
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect(await toldBy(() => openApp(bank, { dataFolder: data }))).toMatch(
      /^STORE_SCHEMA_NEWER: The store DIR\/newer\/bank\/write\.sqlite has schema 99, and this version knows /,
    )
  })

  test('with another file in place of a store is refused', async () => {
    await mkdir(join(folder, 'other/bank'), { recursive: true })
    await writeFile(join(folder, 'other/bank/write.sqlite'), 'a letter to ada, and no database'.repeat(20))
    expect(await toldBy(() => openApp(bank, { dataFolder: join(folder, 'other') }))).toBe(
      'STORE_UNAVAILABLE: The database DIR/other/bank/write.sqlite failed: file is not a database. ' +
        'The file is damaged or is no SQLite database: restore it from a backup, or name another file. ' +
        'One with read models alone can be deleted instead: they are derived anew.',
    )
  })

  test('with events that the code has forgotten is told of at the first of them', async () => {
    const dataFolder = await place('forgotten')
    const shifts = events('account', { MoneyShifted: { version: 1, schema: amount } })
    const shifting = decider(shifts, {
      state: parts.state,
      evolve: { MoneyShifted: evolve.MoneyMoved },
      commands: {
        Shift: { schema: amount, refuses: [], decide: (_, data) => shifts.make.MoneyShifted(data) },
      },
    })
    const renamed = app('bank', { contexts: [context('bank', { deciders: [shifting] })] })
    await using running = await openApp(renamed, { dataFolder })
    expect(await toldBy(() => running.stream('account', 'ada').Shift({ cents: 5 }))).toBe(
      'EVENT_TYPE_UNKNOWN: account has no event MoneyMoved, which version 1 of account ada holds. ' +
        'It has: MoneyShifted. Define every event that was recorded.',
    )
  })
})

describe('a module', () => {
  const shown = join(folder, 'app.ts')
  const mistakes: readonly (readonly [string, string, string])[] = [
    [
      'without an app',
      'export const bank = 1',
      "DIR/app.ts has no app as its default export. Write: export default app('name', { contexts: [...] }).",
    ],
    [
      'that throws',
      "throw new Error('no rate')",
      'The app DIR/app.ts could not be loaded: no rate. Mend the module: node --check or tsc shows where.',
    ],
    [
      'that imports what is not installed',
      "import 'left-pad'",
      "The app DIR/app.ts could not be loaded: Cannot find package 'left-pad' imported from DIR/app.ts. " +
        'Install the package, or correct the path of the import.',
    ],
  ]
  test.each(mistakes)('%s is refused', async (name, code, told) => {
    const file = shown.replace('app.ts', `${name.replaceAll(' ', '-')}.ts`)
    await writeFile(file, code)
    const heard = await toldBy(() => loadApp(file, ['/']))
    expect(heard.replaceAll(file.replace(folder, 'DIR'), 'DIR/app.ts')).toBe(`APP_INVALID: ${told}`)
  })

  test('that its package calls CommonJS is told how to be a module', async () => {
    const file = join(folder, 'common', 'app.ts')
    await mkdir(join(folder, 'common'))
    await writeFile(join(folder, 'common', 'package.json'), '{"type":"commonjs"}')
    await writeFile(file, "import { app } from 'rampart/host'\nexport default app")
    const ended = await new Promise<string>((resolve) => {
      execFile(process.execPath, [bin, 'run', file], (fault, _, stderr) =>
        resolve(`${String(fault?.code)} ${stderr}`),
      )
    })
    expect(ended).toMatch(
      /^2 .*Give its file the ending \.mts or \.mjs, or its package\.json .*"module"\.$/ms,
    )
  })
})

describe('a request', () => {
  const body = (value: unknown) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  })
  const money = body({ streamId: 'ada', data: { cents: 5 } })
  const mistakes: readonly (readonly [string, string, RequestInit, string])[] = [
    [
      'of an unknown command',
      '/bank/commands/Mvoe',
      money,
      '404 COMMAND_TYPE_UNKNOWN: There is no command "Mvoe". Did you mean Move? There are: Move.',
    ],
    [
      'without the prefix',
      '/commands/Move',
      money,
      '404 ROUTE_UNKNOWN: There is nothing at this address. Apps stand below /bank. The front page is at /.',
    ],
    [
      'of an unknown projection',
      '/bank/reads/balancse',
      {},
      '404 PROJECTION_UNKNOWN: There is no projection "balancse". Did you mean balances? There are: ' +
        'balances.',
    ],
    [
      'by an unknown index',
      '/bank/reads/balances?cent=5',
      {},
      '400 INPUT_INVALID: balances has no index "cent". Did you mean cents? Use: limit, cursor, cents.',
    ],
    [
      'with a member of its own',
      '/bank/commands/Move',
      body({ stream: 'ada', data: { cents: 5 } }),
      '400 INPUT_INVALID: The body has members that no command has.',
    ],
    [
      'with another content type',
      '/bank/commands/Move',
      { method: 'POST', body: 'cents=5' },
      '415 CONTENT_TYPE_UNSUPPORTED: Send the body as application/json in UTF-8, without a content encoding.',
    ],
    [
      'with a token that was made up',
      '/bank/reads/balances/ada',
      { headers: { 'consistency-token': 'latest' } },
      '400 TOKEN_INVALID: The consistency token is not one of ours. Send one exactly as an answer gave it, ' +
        'or none.',
    ],
    [
      'with another method',
      '/bank/reads/balances',
      { method: 'DELETE' },
      '405 METHOD_NOT_ALLOWED: This address does not take the method of the request. It takes GET, HEAD.',
    ],
  ]

  test('of every wrong kind is told what there is', async () => {
    const mounts = [{ prefix: '/bank', app: bank }]
    const environment = { PORT: '0', RAMPART_DATA: join(folder, 'served') }
    await using host = await startHost({ mounts, environment })
    const told = await Promise.all(
      mistakes.map(async ([what, path, init]) => {
        const answer = await fetch(`${host.url}${path}`, init)
        const { code, detail } = Object(await answer.json())
        return [what, `${answer.status} ${code}: ${detail}`]
      }),
    )
    expect(told).toEqual(mistakes.map(([what, , , sentence]) => [what, sentence]))
  })
})

describe('a command line', () => {
  const run = ['run', join(import.meta.dirname, '../src/cli/test/fixtures/counter')]
  const usage = expect.stringMatching(/\n\nUsage: rampart /)
  const mistakes: readonly (readonly [string, readonly string[], Record<string, string>, unknown])[] = [
    ['an unknown command', ['rnu'], {}, [2, "error: unknown command 'rnu'\n(Did you mean run?)", usage]],
    [
      'an unknown option',
      ['status', '--dta', 'x'],
      {},
      [2, "error: unknown option '--dta'\n(Did you mean --data?)", usage],
    ],
    [
      'a port that is no number',
      run,
      { PORT: 'three' },
      [
        2,
        'PORT is "three". Set it to a whole number from 0 to 65535 (0 takes a free port), or nothing for ' +
          '3000.',
      ],
    ],
    [
      'an address that others reach, without authentication',
      run,
      { HOST: '0.0.0.0' },
      [
        2,
        'HOST is "0.0.0.0", which other machines can reach, and nobody is authenticated here: whoever ' +
          'reached the ' +
          'port could send commands and read everything. Set HOST to 127.0.0.1, or turn authentication on ' +
          'with ' +
          'RAMPART_JWT_SECRET or RAMPART_JWKS_URL.',
      ],
    ],
    [
      'a secret that anyone can guess',
      run,
      { RAMPART_JWT_SECRET: 'secret' },
      [
        2,
        'RAMPART_JWT_SECRET has 6 bytes, and whoever guesses it can be anyone. ' +
          'Set it to 32 random bytes or more: openssl rand -base64 32.',
      ],
    ],
    [
      'a folder without an app',
      ['run', '/nowhere'],
      {},
      [2, 'There is no app at /nowhere. Name a module, or a folder with package.json or src/app.ts.'],
    ],
    [
      'a mount without a module',
      ['run', '--mount', '/bank'],
      {},
      [2, '--mount takes a prefix and a module, like /orders=./orders, not "/bank".'],
    ],
    [
      'data that is not there',
      ['status', '--data', '/nowhere'],
      {},
      [2, 'The data folder /nowhere is not there. Name the one that the server was started with: --data.'],
    ],
    [
      'a server that does not run',
      ['rebuild', 'balances', '--url', 'http://127.0.0.1:1'],
      {},
      [
        2,
        'No server answers at http://127.0.0.1:1/admin/projections/balances/rebuild. ' +
          'Start it, or name it: --url http://127.0.0.1:3000.',
      ],
    ],
  ]

  test('of every wrong kind ends with a sentence', async () => {
    for (const [what, args, settings, told] of mistakes) {
      const env = { ...process.env, RAMPART_DATA: join(folder, 'run'), INIT_CWD: '', PORT: '0', ...settings }
      // oxlint-disable-next-line no-await-in-loop -- processes beside each other only slow the machine down
      const [code, output] = await new Promise<readonly [number, string]>((resolve) => {
        execFile(process.execPath, [bin, ...args], { env, cwd: folder }, (fault, stdout, stderr) => {
          resolve([Number(fault?.code ?? 0), stdout + stderr])
        })
      })
      const [first, ...help] = output.trimEnd().split(/(?=\n\nUsage: )/)
      expect([what, code, first, ...help]).toEqual([what, ...(told as readonly unknown[])])
    }
  })
})
