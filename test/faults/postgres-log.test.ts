// A log on PostgreSQL that processes race for, that slow and idle transactions hold up, and that bad data
// reaches: one winner each, nothing skipped, and nobody else harmed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemRuntime } from 'rampart'
import { position } from 'rampart/codec'
import type { EventStore } from 'rampart/ports'
import { openPostgresStore } from 'rampart/postgres'
import {
  connectSql,
  createDatabase,
  runSql,
  startPostgres,
} from '../../packages/rampart/src/postgres/test/server.ts'
import { createSubscription } from '../../packages/rampart/src/subscription/index.ts'
import {
  event,
  expectContiguous,
  logEvents,
  openShop,
  texts,
  upTo,
  write,
} from '../../packages/rampart/src/testing/event-store-contract-steps.ts'
import { prizes, type Race } from './racer.ts'
import { until } from './server.ts'
import { everyPoint } from './tools.ts'

type Server = Awaited<ReturnType<typeof startPostgres>>

let server: Server
let databases = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
})
afterAll(() => server[Symbol.asyncDispose]())

interface Writers extends AsyncDisposable {
  readonly url: string
  readonly logs: readonly EventStore[]
  readonly first: EventStore
}

async function openWriters(count: number): Promise<Writers> {
  const url = await createDatabase(server.url('postgres'), `log_${++databases}`)
  const stores = await Promise.all(upTo(count).map(() => openPostgresStore({ url })))
  const logs = await Promise.all(stores.map((store) => openShop({ store })))
  const [first] = logs
  if (first === undefined) throw new Error('There is no writer.')
  const close = async (): Promise<void> =>
    void (await Promise.all(stores.map((store) => store[Symbol.asyncDispose]())))
  return { url, logs, first, [Symbol.asyncDispose]: close }
}

const rounds = everyPoint ? 10_000 : 300

async function startRacer(url: string): Promise<{ readonly go: () => Promise<Race> }> {
  const program = join(import.meta.dirname, 'racer.ts')
  const args = ['--conditions=rampart-source', program, url, String(rounds)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = once(child, 'close')
  await Promise.race([once(child.stdout, 'data'), ended])
  return {
    async go() {
      child.stdin.write('go\n')
      await ended
      return JSON.parse(output.replace('ready\n', ''))
    },
  }
}

test(
  `of two processes that race ${rounds} times for a version, a condition and an id, one wins each time`,
  { timeout: 300_000 },
  async () => {
    await using writers = await openWriters(1)
    const racers = await Promise.all([startRacer(writers.url), startRacer(writers.url)])
    const races = await Promise.all(racers.map(({ go }) => go()))
    const losers = { version: 'conflict', condition: 'matched', 'command id': 'repeated' } as const
    for (const prize of prizes) {
      const won = races.flatMap((race) => race[prize].appended ?? [])
      const lost = races.flatMap((race) => race[prize][losers[prize]] ?? [])
      expect(won.toSorted((a, b) => a - b)).toEqual(upTo(rounds))
      expect(lost.toSorted((a, b) => a - b)).toEqual(upTo(rounds))
    }
    const winners = races.map((race) =>
      prizes.reduce((sum, prize) => sum + (race[prize].appended?.length ?? 0), 0),
    )
    // A few hundred rounds may be over before the other process is as quick as the first.
    expect(Math.min(...winners)).toBeGreaterThanOrEqual(everyPoint ? 1 : 0)
    const events = await logEvents(writers.first)
    expectContiguous(events)
    expect(events).toHaveLength(rounds * prizes.length)
    if (everyPoint) console.log(`won by the processes: ${winners.join(' and ')}`)
  },
)

// What a text asks for happens as its event is inserted: it waits for a lock, or its transaction is undone.
const obey = `
  CREATE SEQUENCE public.attempts;
  GRANT USAGE ON SEQUENCE public.attempts TO PUBLIC;
  CREATE FUNCTION public.obey() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE asked text := convert_from(NEW.payload, 'UTF8');
  BEGIN
    IF asked LIKE 'slow%' THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF;
    IF asked LIKE 'bad%' THEN RAISE 'this is no data' USING ERRCODE = '22P05'; END IF;
    IF asked LIKE 'long%' THEN RAISE 'this is too long' USING ERRCODE = '22001'; END IF;
    IF asked LIKE 'victim%' AND nextval('public.attempts') < 3 THEN
      RAISE 'this is a deadlock' USING ERRCODE = '40P01';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER obey BEFORE INSERT ON rampart_write.events FOR EACH ROW EXECUTE FUNCTION public.obey()`

test('bad data and deadlocks leave the neighbours of their batch whole', async () => {
  await using writers = await openWriters(1)
  await runSql(writers.url, obey)
  const asked = upTo(60).map((number) => ['fine', 'bad', 'fine', 'long', 'victim', 'fine'][number % 6] ?? '')
  const appends = asked.map((what, index) =>
    writers.first.append({ writes: [write(`s${index % 4}`, 'any', [event(`${what} ${index}`)])] }),
  )
  const refused = ['NUL\0', 'x'.repeat(2000)].map(async (type) =>
    writers.first.append({ writes: [write('names', 'any', [event('named', { type })])] }),
  )
  const [results, names] = await Promise.all([Promise.allSettled(appends), Promise.allSettled(refused)])
  const codes = results.map((one) => (one.status === 'fulfilled' ? one.value.status : one.reason.code))
  const isRefused = (what: string): boolean => what === 'bad' || what === 'long'
  expect(codes).toEqual(asked.map((what) => (isRefused(what) ? 'INPUT_INVALID' : 'appended')))
  expect(names).toMatchObject(upTo(2).map(() => ({ status: 'rejected', reason: { code: 'INPUT_INVALID' } })))
  const events = await logEvents(writers.first)
  expectContiguous(events)
  expect(events).toHaveLength(asked.filter((what) => !isRefused(what)).length)
})

interface Follower {
  readonly seen: readonly string[]
  readonly stop: () => Promise<void>
}

/** Follows a log; what it sees must follow without a gap. */
function follow(log: EventStore, { pollMs, isHinted }: { pollMs: number; isHinted: boolean }): Follower {
  const seen: string[] = []
  const subscription = createSubscription({
    store: { readLog: log.readLog, onAppended: isHinted ? log.onAppended : () => () => undefined },
    from: { epoch: '', position: position(0), eventId: '' },
    async handle({ events }) {
      for (const { position: at } of events)
        if (at !== seen.push(String(at))) throw new Error(`After ${seen.length - 1} came ${at}.`)
    },
    runtime: systemRuntime,
    pollMs,
  })
  return {
    seen,
    async stop() {
      const end = await subscription.stop()
      if (end.reason === 'failed') throw end.error
    },
  }
}

const events = everyPoint ? 10_000 : 800

test(
  `no subscription skips one of ${events} events of eight writers, some of which commit late or not at all`,
  { timeout: 300_000 },
  async () => {
    await using writers = await openWriters(10)
    const { url, logs, first } = writers
    const [hinted = first, polling = first, ...own] = logs
    await runSql(url, obey)
    await using blocker = await connectSql(url)
    const stop = new AbortController()
    const blocking = (async () => {
      while (!stop.signal.aborted) {
        await blocker.run('SELECT pg_advisory_lock(4711)')
        await setTimeout(systemRuntime.random() * 20)
        await blocker.run('SELECT pg_advisory_unlock(4711)')
        await setTimeout(systemRuntime.random() * 5)
      }
    })()
    const followers = [
      follow(hinted, { pollMs: 60_000, isHinted: true }),
      follow(polling, { pollMs: 5, isHinted: false }),
    ]
    // Whoever begins at the beginning again and again.
    const catchingUp = (async () => {
      while (!stop.signal.aborted) expectContiguous(await logEvents(polling))
    })()
    let number = 0
    let undone = 0
    const write1 = async (log: EventStore): Promise<void> => {
      while (number < events) {
        const what = number % 20 === 7 ? 'bad' : number % 25 === 3 ? 'slow' : 'fine'
        const appending = log.append({
          writes: [write(`s${number % 50}`, 'any', [event(`${what} ${number++}`)])],
        })
        await appending.catch(() => undone++)
      }
    }
    await Promise.all(own.flatMap((log) => upTo(4).map(() => write1(log))))
    const head = (await first.head()).position
    await until(async () => followers.every(({ seen }) => seen.length === head))
    stop.abort()
    await Promise.all([blocking, catchingUp, ...followers.map((one) => one.stop())])
    expect(undone).toBe(Math.ceil((number - 7) / 20))
    expect(head).toBe(number - undone)
    expectContiguous(await logEvents(first))
  },
)

test('an idle transaction hides nothing, and one that holds the lock of a log only holds it up', async () => {
  await using writers = await openWriters(2)
  const { url, logs, first } = writers
  const [, other = first] = logs
  const follower = follow(other, { pollMs: 5, isHinted: false })
  await using idle = await connectSql(url)
  // An old snapshot and a number of its own, as a forgotten session has them.
  await idle.run('CREATE TABLE public.own (n integer)')
  await idle.run('BEGIN ISOLATION LEVEL REPEATABLE READ')
  await idle.run('INSERT INTO public.own VALUES (1)')
  await first.append({ writes: [write('a', 'any')] })
  await until(async () => follower.seen.length === 1)
  await idle.run('COMMIT')

  const [row] = await runSql(url, 'SELECT number FROM rampart_write.logs')
  await idle.run('BEGIN')
  await idle.run(`SELECT pg_advisory_xact_lock(1380012368, ${Number(row?.['number'])})`)
  const appends = logs.map((log) => log.append({ writes: [write('a', 'any')] }))
  // Longer than a statement waits for a lock in the long form.
  await setTimeout(everyPoint ? 8000 : 300)
  expect((await other.head()).position).toBe(1)
  await idle.run('ROLLBACK')
  const endedMs = performance.now()
  expect((await Promise.all(appends)).map(({ status }) => status)).toEqual(['appended', 'appended'])
  await until(async () => follower.seen.length === 3)
  if (everyPoint)
    console.log(`goes on ${Math.round(performance.now() - endedMs)} ms after the lock was let go`)
  await follower.stop()
  expect(texts(await logEvents(first))).toEqual(['a', 'a', 'a'])
})
