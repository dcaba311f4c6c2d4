// Verification: finds whatever somebody does to a store file with a plain connection, and nothing else.
import { copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, closeSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandId, streamId } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'
import { openSqliteStore } from '../sqlite/index.ts'
import { createIdSet, openSqliteInspection } from '../sqlite/inspection/index.ts'
import { anchorOf, createSealer, verifyLog, type Anchor, type Finding } from './index.ts'
import { sealAnew } from './test/forger.ts'
import { verifyTags } from './verify-tags.ts'
import { verifyVersions } from './verify-versions.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-verify-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const original = join(folder, 'original.sqlite')
const count = 2600
const logKey = 'default/shop/0'

/** Appends one event per append to one of 20 streams, every other with a command. */
async function fill(log: EventStore, from: number, to: number): Promise<void> {
  const appends = Array.from({ length: to - from + 1 }, (_, index) => {
    const number = from + index
    const payload = new TextEncoder().encode(JSON.stringify({ note: `payload-${number}` }))
    const id = commandId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`)
    const command = { id, fingerprint: 'print', outcome: { number }, expiresAtMs: null }
    return log.append({
      writes: [
        {
          decider: 'order',
          id: streamId(String(number % 20)),
          expectedVersion: 'any',
          events: [{ type: 'Noted', schemaVersion: 1, payload, tags: [`note:${number}`] }],
        },
      ],
      actor: 'ada',
      ...(number % 2 === 0 ? { command } : {}),
    })
  })
  await Promise.all(appends)
}

async function seal(log: EventStore): Promise<void> {
  await createSealer({ store: log, runtime: systemRuntime }).stop()
}

beforeAll(async () => {
  await using store = await openSqliteStore({ file: original, thread: 'caller' })
  const log = await store.openLog(logKey)
  await fill(log, 1, 2000)
  await seal(log)
  await fill(log, 2001, count)
  await seal(log)
})

let copies = 0
function copy(): string {
  const file = join(folder, `${++copies}.sqlite`)
  copyFileSync(original, file)
  return file
}

function tamper(sql: string, file = copy()): string {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
  return file
}

async function verify(file: string, anchor?: Anchor) {
  const findings: Finding[] = []
  const report = (finding: Finding): void => void findings.push(finding)
  await using store = openSqliteInspection(file)
  const [log] = store.logs
  if (log === undefined) throw new Error('There is no log.')
  const options = { anchor, report, createIdSet, onProgress: () => {} }
  const verified = await verifyLog(log, options)
  await verifyVersions(store, report)
  return { findings, verified, damages: (await store.damages()).found.map(({ what }) => what) }
}

/** The findings, each as code and place. */
async function found(file: string, anchor?: Anchor): Promise<readonly string[]> {
  const { findings } = await verify(file, anchor)
  return findings.map(({ code, position, event }) => [code, position, event].filter(Boolean).join(' '))
}

const place = (position: number): string => `(1 << 43) + ${position}`

async function anchorHere(): Promise<Anchor> {
  const { newest } = (await verify(original)).verified
  if (newest === null) throw new Error('Nothing is sealed.')
  return anchorOf('shop', logKey, newest)
}

test('finds nothing in a store that nobody touched', async () => {
  const { findings, verified, damages } = await verify(original)
  expect([findings, damages]).toEqual([[], []])
  expect(verified).toMatchObject({ log: logKey, events: count, seals: 3, unsealed: 0 })
  expect(await found(original, await anchorHere())).toEqual([])
})

test('counts what is not sealed yet', async () => {
  const file = copy()
  {
    await using store = await openSqliteStore({ file, thread: 'caller' })
    await fill(await store.openLog(logKey), count + 1, count + 7)
  }
  expect((await verify(file)).verified).toMatchObject({ events: count + 7, seals: 3, unsealed: 7 })
})

describe('finds an event that was edited', () => {
  test.each([
    ['its payload', `payload = CAST(replace(payload, 'payload-700', 'payload-7oo') AS BLOB)`],
    ['its actor', `actor = 'eve'`],
    ['its tags', `tags = '["note:1"]'`],
    ['its tags, so that they are no JSON', `tags = '['`],
    ['its time', 'recorded_at_ms = recorded_at_ms + 0 * 1000, causation_id = NULL, correlation_id = 1'],
    ['its type', `type = 99`],
    ['the outcome of its command', `outcome = '{"number":701}'`],
    ['its command', 'command_key = NULL'],
    ['its schema version', 'schema_version = 2'],
    ['its content type', `content_type = 'text/plain'`],
    ['its append', `append_id = append_id || 'x'`],
  ])('in %s', async (_, assignment) => {
    const findings = await found(tamper(`UPDATE events SET ${assignment} WHERE place = ${place(700)}`))
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatch(/^EVENT_(CHANGED|MISSING) 700/)
  })

  test('in its stream and version', async () => {
    const sql = `UPDATE events SET version = 900 WHERE place = ${place(700)}`
    expect(await found(tamper(sql))).toContain('EVENT_CHANGED 700 order-0@900')
  })

  test('by the name of its stream', async () => {
    const findings = await found(tamper(`UPDATE streams SET id = 'x' WHERE id = '0'`))
    expect(findings.slice(0, 2)).toEqual(['EVENT_CHANGED 20 order-x@1', 'EVENT_CHANGED 40 order-x@2'])
  })

  test('and names the first of many', async () => {
    const findings = await verify(tamper(`UPDATE events SET actor = 'eve'`))
    expect(findings.findings).toHaveLength(18)
    expect(findings.findings[5]?.what).toMatch(/and so it is at 1018 further positions of its range/)
  })
})

const renumber = (from: number, by: number): string => `
  UPDATE events SET place = -place WHERE place >= ${place(from)};
  UPDATE events SET place = -place + ${by} WHERE place < 0;`

const insertAt = (position: number): string => `
  INSERT INTO events (
    place, stream, version, type, schema_version, append_id, append_index, recorded_at_ms, payload
  ) SELECT ${place(position)}, stream, 1000, type, schema_version, 'forged', 0, recorded_at_ms, payload
  FROM events WHERE place = ${place(position - 1)};`

test('finds an event that was deleted', async () => {
  const findings = await found(tamper(`DELETE FROM events WHERE place = ${place(1500)}`))
  expect(findings).toEqual(['EVENT_MISSING 1500', 'VERSION_WRONG 1520 order-0@76'])
})

test('finds an event that was deleted when the later ones were renumbered', async () => {
  const sql = `DELETE FROM events WHERE place = ${place(1500)}; ${renumber(1501, -1)}
    UPDATE events SET version = version - 1 WHERE stream = (SELECT number FROM streams WHERE id = '0')
    AND place >= ${place(1500)} AND version < 0;`
  const { findings, verified } = await verify(tamper(sql))
  expect(findings).toMatchObject([{ code: 'EVENT_MISSING', position: 1500 }, { code: 'VERSION_WRONG' }])
  expect(verified).toMatchObject({ events: count - 1, unsealed: 0 })
})

test('finds an event that was inserted, also at the end of a range', async () => {
  for (const position of [1500, 1024, 2000, 3]) {
    const findings = await found(tamper(renumber(position, 1) + insertAt(position)))
    expect(findings[0]).toMatch(new RegExp(`^EVENT_INSERTED ${position} order-\\d+@1000$`))
    expect(findings.slice(1).every((one) => one.startsWith('VERSION_WRONG'))).toBe(true)
  }
})

test('finds events that were reordered', async () => {
  const swap = `
    UPDATE events SET place = -1 WHERE place = ${place(100)};
    UPDATE events SET place = ${place(100)} WHERE place = ${place(101)};
    UPDATE events SET place = ${place(101)} WHERE place = -1;`
  expect(await found(tamper(swap))).toEqual(['EVENTS_REORDERED 100'])
})

describe('finds a cut tail', () => {
  test('by its seals', async () => {
    const findings = await found(tamper(`DELETE FROM events WHERE place > ${place(2500)}`))
    expect(findings).toEqual(['TAIL_CUT 2500'])
  })

  test('by an anchor, when the seals were cut, too', async () => {
    const anchor = await anchorHere()
    const file = tamper(`
      DELETE FROM events WHERE place > ${place(2000)}; DELETE FROM seals WHERE seal > ${place(2)}`)
    expect(await found(file)).toEqual([])
    expect(await found(file, anchor)).toEqual(['TAIL_CUT 2000'])
    expect(await found(tamper('DELETE FROM events; DELETE FROM seals'), anchor)).toEqual(['TAIL_CUT'])
  })
})

test('finds a history that was rewritten together with its seals, by an anchor', async () => {
  const anchor = await anchorHere()
  const file = tamper(`UPDATE events SET actor = 'eve' WHERE place = ${place(700)}`)
  await sealAnew(file, logKey)
  expect(await found(file)).toEqual([])
  expect(await found(file, anchor)).toEqual([`HISTORY_REWRITTEN ${count}`])
})

describe('finds what was done to seals', () => {
  test.each([
    ['a root', `UPDATE seals SET root = '${'0'.repeat(64)}' WHERE seal = ${place(2)}`, 'SEAL_CHANGED 1025'],
    [
      'marks',
      `UPDATE seals SET marks = replace(marks, '0', '1') WHERE seal = ${place(2)}`,
      'SEAL_CHANGED 1025',
    ],
    ['marks that are gone', `UPDATE seals SET marks = '' WHERE seal = ${place(2)}`, 'SEAL_CHANGED 1025'],
    ['a time', `UPDATE seals SET sealed_at_ms = 1 WHERE seal = ${place(1)}`, 'SEAL_CHANGED 1'],
    ['a seal that is gone', `DELETE FROM seals WHERE seal = ${place(2)}`, 'SEAL_CHANGED 2001'],
    ['a range', `UPDATE seals SET last_position = 9e15 WHERE seal = ${place(2)}`, 'SEAL_CHANGED 1025'],
    ['an epoch', `UPDATE epochs SET epoch = 'x'`, 'EPOCH_UNKNOWN 1'],
  ])('%s', async (_, sql, expected) => {
    expect((await found(tamper(sql)))[0]).toContain(expected)
  })
})

test('blames the seal alone for marks that do not fit its events, and both when neither fits', async () => {
  const marks = `UPDATE seals SET marks = '' WHERE seal = ${place(1)};`
  expect((await verify(tamper(marks))).findings).toEqual([
    {
      log: logKey,
      code: 'SEAL_CHANGED',
      position: 1,
      what: 'the marks of seal 1 were changed, and the events under it were not',
    },
  ])
  const event = `UPDATE events SET actor = 'eve' WHERE place = ${place(700)}`
  expect((await verify(tamper(marks + event))).findings).toMatchObject([
    { code: 'RANGE_CHANGED', what: expect.stringContaining('does not have a mark for each of its events') },
  ])
})

describe('with epochs', () => {
  const forked = join(folder, 'forked.sqlite')
  beforeAll(async () => {
    await using store = await openSqliteStore({ file: forked, thread: 'caller' })
    const log = await store.openLog(logKey)
    await fill(log, 1, 20)
    await seal(log)
    await log.beginEpoch()
    await fill(log, 21, 40)
    await seal(log)
    await log.beginEpoch()
    await fill(log, 41, 60)
    await seal(log)
    await fill(log, 61, 80)
    await seal(log)
  })

  function changed(sql: string): Promise<readonly string[]> {
    const file = copy()
    copyFileSync(forked, file)
    return whatIn(tamper(sql, file))
  }

  async function whatIn(file: string): Promise<readonly string[]> {
    return (await verify(file)).findings.map(({ code, what }) => `${code} ${what}`)
  }

  const digests = (first: number) =>
    `SEAL_CHANGED seals ${first} to 4 do not have their own digests: ` +
    'they or an epoch under them were changed'

  test('finds nothing where nobody touched them', async () => {
    expect(await whatIn(forked)).toEqual([])
  })

  test.each([
    ['another fork', 'UPDATE epochs SET fork_position = 30 WHERE ordinal = 2', [digests(2)]],
    [
      'a fork before what was sealed',
      'UPDATE epochs SET fork_position = 10 WHERE ordinal = 2',
      ['EPOCHS_CHANGED epoch 2 begins after position 10, and seal 1, made before, reaches 20', digests(2)],
    ],
    [
      'a fork before the one before',
      'UPDATE epochs SET fork_position = 41 WHERE ordinal = 2',
      ['EPOCHS_CHANGED epoch 3 begins after position 40, and the one before it after 41', digests(2)],
    ],
    [
      'a fork beyond the end',
      'UPDATE epochs SET fork_position = 81 WHERE ordinal = 3',
      ['EPOCHS_CHANGED epoch 3 begins after position 81, and the log ends at 80', digests(3)],
    ],
    [
      'a first epoch that forks',
      'UPDATE epochs SET fork_position = 1 WHERE ordinal = 1',
      ['EPOCHS_CHANGED the first epoch begins after position 1, not 0', digests(1)],
    ],
    [
      'one that is gone',
      'DELETE FROM epochs WHERE ordinal = 2',
      [
        'EPOCHS_CHANGED epoch 2 is not there, and epoch 3 follows',
        expect.stringMatching(/^EPOCH_UNKNOWN seal 2 is of the epoch .*, which the log does not know/),
        digests(3),
      ],
    ],
    [
      'one that was put between the others',
      `UPDATE epochs SET ordinal = 4 WHERE ordinal = 3; INSERT INTO epochs VALUES (1, 3, 'x', 40)`,
      [digests(3)],
    ],
    [
      'two of one name',
      `INSERT INTO epochs SELECT log, 4, epoch, 80 FROM epochs WHERE ordinal = 1`,
      ['EPOCHS_CHANGED epoch 4 has the name of an earlier one'],
    ],
    [
      'none at all',
      'DELETE FROM epochs',
      ['EPOCHS_CHANGED the log has no epoch', ...[1, 2, 3, 4].map(() => expect.stringMatching(/^EPOCH_UNK/))],
    ],
  ])('finds %s', async (_, sql, expected) => {
    expect(await changed(sql)).toEqual(expected)
  })

  test('finds what is no history under seals of the first format, and only that', async () => {
    const file = copy()
    copyFileSync(forked, file)
    await sealAnew(file, logKey, 'first')
    expect(await whatIn(file)).toEqual([])
    tamper('UPDATE epochs SET fork_position = 30 WHERE ordinal = 2', file)
    expect(await whatIn(file)).toEqual([])
    tamper('UPDATE epochs SET fork_position = 41 WHERE ordinal = 2', file)
    expect(await whatIn(file)).toHaveLength(1)
  })

  test('a history that was sealed anew with fewer seals was rewritten, by an anchor', async () => {
    const file = copy()
    copyFileSync(forked, file)
    const { newest } = (await verify(file)).verified
    if (newest === null) throw new Error('Nothing is sealed.')
    const anchor = anchorOf('shop', logKey, newest)
    expect(await found(file, anchor)).toEqual([])
    await sealAnew(file, logKey)
    expect(await found(file, anchor)).toEqual(['HISTORY_REWRITTEN 80'])
  })
})

test('finds times that go back and ids that repeat, where nothing is sealed', async () => {
  const twins = `
    DELETE FROM seals;
    UPDATE events SET recorded_at_ms = 5 WHERE place = ${place(800)};
    DROP INDEX events_by_command;
    UPDATE events SET command_key = (SELECT command_key FROM events WHERE place = ${place(2)})
    WHERE place = ${place(900)};
    UPDATE events SET append_id = (SELECT append_id FROM events WHERE place = ${place(3)})
    WHERE place = ${place(901)};`
  const file = tamper(twins)
  expect(await found(file)).toEqual([
    'TIME_BACKWARD 800 order-0@40',
    'ID_REPEATED 900 order-0@45',
    'ID_REPEATED 901 order-1@46',
  ])
  expect((await verify(file)).damages).toEqual(['the index events_by_command is missing'])
})

test('finds tags on which the index and the events do not agree', async () => {
  const tagOf = (position: number): string => `(SELECT number FROM tags WHERE name = 'note:${position}')`
  const file = tamper(`
    DELETE FROM event_tags WHERE tag = ${tagOf(5)};
    INSERT INTO event_tags VALUES (${tagOf(6)}, ${place(7)}, 1);
    UPDATE event_tags SET type = 9 WHERE tag = ${tagOf(8)};`)
  const findings: string[] = []
  await using store = openSqliteInspection(file)
  await verifyTags(store, ({ code, position, what }) => findings.push(`${code} ${position} ${what}`))
  const only = 'the index of tags has an entry'
  expect(findings).toEqual([
    'TAG_WRONG 5 the index of tags lacks its tag "note:5"',
    'TAG_WRONG 8 the index of tags lacks its tag "note:8"',
    `TAG_WRONG 7 ${only} "note:6" here that the event does not have`,
    `TAG_WRONG 8 ${only} "note:8" here that the event does not have`,
  ])
})

test('finds a trigger that somebody added, and an index that is gone', async () => {
  const file = tamper(
    'CREATE TRIGGER quiet AFTER INSERT ON events BEGIN SELECT 1; END; DROP INDEX outcomes_by_expiry',
  )
  expect((await verify(file)).damages).toEqual([
    'the index outcomes_by_expiry is missing',
    'the trigger quiet does not belong there',
  ])
})

test('finds every payload byte that is flipped in the file', async () => {
  const bytes = readFileSync(original)
  for (const number of [1, 512, 1024, 1025, 1999, 2600]) {
    const file = copy()
    const at = bytes.indexOf(`payload-${number}"`)
    const handle = openSync(file, 'r+')
    writeSync(handle, Buffer.of((bytes[at] ?? 0) ^ 0x20), 0, 1, at)
    closeSync(handle)
    expect(await found(file)).toEqual([
      `EVENT_CHANGED ${number} order-${number % 20}@${Math.ceil(number / 20)}`,
    ])
  }
})

test('says what it can when pages of the file are damaged, and does not stop', async () => {
  const file = copy()
  const bytes = readFileSync(original)
  const page = Math.floor(bytes.indexOf('payload-1500"') / 4096) * 4096
  const handle = openSync(file, 'r+')
  writeSync(handle, Buffer.alloc(4096, 0xff), 0, 4096, page)
  closeSync(handle)
  const { findings, damages } = await verify(file)
  expect(damages.length).toBeGreaterThan(0)
  expect(findings.some(({ code }) => code === 'EVENT_MISSING')).toBe(true)
})
