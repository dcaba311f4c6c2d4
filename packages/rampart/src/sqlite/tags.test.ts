// Stores of version 1 get their tags indexed when they are opened, and searches are bounded.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { commandId, position, streamId } from '../core/codec/index.ts'
import type { EventStore, LogQuery, NewEvent } from '../core/ports/index.ts'
import { migrate, readSql } from './database.ts'
import { openSqliteStore } from './index.ts'
import { writeSchema } from './writer-service.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-tags-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const fixtures = join(import.meta.dirname, 'test', 'fixtures')
let files = 0

/** A copy of a store file as version 1 wrote it, and what version 1 read from it. */
function versionOne() {
  const file = join(folder, `${++files}.sqlite`)
  writeFileSync(file, gunzipSync(readFileSync(join(fixtures, 'write-store-1.sqlite.gz'))))
  return { file, expected: JSON.parse(readFileSync(join(fixtures, 'write-store-1.json'), 'utf8')) }
}

const decoder = new TextDecoder()

async function eventsOf(log: EventStore, query: Partial<LogQuery> = {}) {
  const events = []
  for await (const page of log.readLog({ after: position(0), ...query })) events.push(...page.events)
  return events.map((one) => ({ ...one, payload: decoder.decode(one.payload) }))
}

const number = (id: number) => commandId(`00000000-0000-4000-8000-${String(id).padStart(12, '0')}`)

describe('a store file of version 1', () => {
  test('opens, and reads as it did', async () => {
    const { file, expected } = versionOne()
    await using store = await openSqliteStore({ file, thread: 'caller' })
    for (const name of ['shop', 'billing']) {
      const log = await store.openLog(`default/${name}/0`)
      const read = { head: await log.head(), epochs: await log.epochs(), events: await eventsOf(log) }
      expect(read).toEqual(expected[name])
    }
    const shop = await store.openLog('default/shop/0')
    const outcomes = await Promise.all([1, 5, 100, 201].map((id) => shop.findOutcome(number(id))))
    expect(outcomes).toEqual(expected.outcomes)
    expect(await shop.inbox.find(number(202))).toMatchObject(expected.waiting)
    expect(await shop.inbox.deadLetters(10)).toMatchObject(expected.deadLetters)
  })

  test('finds the events of each tag, old and new, in each log', async () => {
    const { file, expected } = versionOne()
    await using store = await openSqliteStore({ file, thread: 'caller' })
    const shop = await store.openLog('default/shop/0')
    const all: { readonly tags: readonly string[] }[] = expected.shop.events
    for (const tag of new Set(all.flatMap(({ tags }) => tags))) {
      expect(await eventsOf(shop, { tags: [tag] })).toEqual(all.filter(({ tags }) => tags.includes(tag)))
    }
    const billing = await store.openLog('default/billing/0')
    expect(await eventsOf(billing, { tags: ['course:1'] })).toHaveLength(1)
    const write = { decider: 'course', id: streamId('new'), expectedVersion: 'none', events: [] } as const
    const failIfMatch = [{ tags: ['course:1', 'student:1'], after: position(20) }]
    expect(await shop.append({ writes: [write], failIfMatch })).toMatchObject({ status: 'appended' })
    const before = [{ tags: ['course:1', 'student:1'], after: position(0) }]
    expect(await shop.append({ writes: [write], failIfMatch: before })).toEqual({
      status: 'matched',
      condition: 0,
    })
  })

  test('is left as it was by a migration that fails, and takes it the next time', () => {
    const { file } = versionOne()
    const database = new DatabaseSync(file)
    const tagsStep = writeSchema.steps.indexOf(readSql('create-tags'))
    const steps = writeSchema.steps.map((sql, step) => (step === tagsStep ? `${sql}; oops` : sql))
    expect(() => migrate(database, file, { ...writeSchema, steps })).toThrow(/oops/)
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: tagsStep })
    expect(database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'event_tags'").get()).toBeUndefined()
    migrate(database, file, writeSchema)
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: writeSchema.steps.length })
    // 20 events with two tags each, one with seven of which two are the same, and three of another log.
    expect(database.prepare('SELECT count(*) AS rows FROM event_tags').get()).toEqual({ rows: 49 })
    migrate(database, file, writeSchema)
    database.close()
  })
})

const payload = new Uint8Array()

test('a common tag beside a rare one is searched in bounded steps', async () => {
  const file = join(folder, `${++files}.sqlite`)
  await using store = await openSqliteStore({ file, thread: 'caller' })
  const log = await store.openLog('default/shop/0')
  const event = (index: number): NewEvent => {
    const tags = ['common', index % 2 === 0 ? 'even' : 'odd', ...(index === 24_999 ? ['rare'] : [])]
    return { type: index % 5000 === 0 ? 'Seldom' : 'Often', schemaVersion: 1, payload, tags }
  }
  for (let first = 0; first < 25_000; first += 1000) {
    const events = Array.from({ length: 1000 }, (_, index) => event(first + index))
    await log.append({ writes: [{ decider: 'a', id: streamId('b'), expectedVersion: 'any', events }] })
  }
  const pages = []
  for await (const page of log.readLog({ after: position(0), tags: ['common'], types: ['Seldom'] })) {
    pages.push([page.through.position, page.events.length])
  }
  expect(pages).toEqual([
    [10_000, 2],
    [20_000, 2],
    [25_000, 1],
  ])
  expect(await eventsOf(log, { tags: ['common', 'rare'] })).toHaveLength(1)
  expect(await eventsOf(log, { tags: ['even', 'rare'] })).toEqual([])
  const isMatched = async (tags: readonly string[], types?: readonly string[]) => {
    const condition = { tags, after: position(0), ...(types === undefined ? {} : { types }) }
    const write = { decider: 'a', id: streamId('c'), expectedVersion: 'none', events: [] } as const
    const { status } = await log.append({ writes: [write], failIfMatch: [condition] })
    return status === 'matched'
  }
  expect(await isMatched(['common', 'rare'])).toBe(true)
  expect(await isMatched(['even', 'odd'])).toBe(false)
  expect(await isMatched(['odd'], ['Seldom'])).toBe(false)
})
