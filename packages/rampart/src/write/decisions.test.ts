// What a decision promises: nothing that it stands on changes behind its back, whoever else decides.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { position, streamId, streamVersion } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import { logKey, type EventStore, type WriteStore } from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { openSqliteStore } from '../sqlite/index.ts'
import type { CommandService, CommandStatus, SentCommand } from './command-service.ts'
import { createCommandService, defaultCommandLimits, type CommandLimits } from './create-command-service.ts'
import { coursesPerStudentMax, school } from './test/courses.ts'

const wait = { mode: 'wait', waitMs: 30_000 } as const
const accept = { mode: 'accept' } as const

let folder: string
let database: WriteStore
let store: EventStore
let service: CommandService
const opened: CommandService[] = []

function serve(over: EventStore, limits: Partial<CommandLimits> = {}): CommandService {
  const inbox = { ...defaultCommandLimits.inbox, retryFirstMs: 1, retryMaxMs: 1, pollMs: 5 }
  const runtime = systemRuntime
  const created = createCommandService({
    context: school,
    store: over,
    runtime,
    limits: { inbox, ...limits },
  })
  opened.push(created)
  return created
}

function command(type: string, data: unknown, more: Partial<SentCommand> = {}): SentCommand {
  return { type, data, actor: null, ...more }
}

function enrolment(course: number | string, student: number | string, more: Partial<SentCommand> = {}) {
  return command('Enrol', { courseId: String(course), studentId: String(student) }, more)
}

async function openCourses(count: number, seats: number): Promise<void> {
  for (let course = 1; course <= count; course++) {
    // oxlint-disable-next-line no-await-in-loop -- a test's own steps
    await service.send(command('OpenCourse', { courseId: String(course), seats }), wait)
  }
}

async function enrolments() {
  const all: { readonly courseId: string; readonly studentId: string }[] = []
  for await (const page of store.readLog({ after: position(0), types: ['StudentEnrolled'] })) {
    all.push(...page.events.map(({ payload }) => JSON.parse(new TextDecoder().decode(payload))))
  }
  return all
}

function outcomes(statuses: readonly CommandStatus[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const status of statuses) {
    const name = status.status === 'refused' ? status.code : status.status
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

function largest(counted: readonly string[]): number {
  return Math.max(
    ...Map.groupBy(counted, (each) => each)
      .values()
      .map((group) => group.length),
  )
}

const adapters: readonly (readonly [string, () => Promise<WriteStore>])[] = [
  ['memory', () => Promise.resolve(createMemoryStore())],
  ['SQLite', () => openSqliteStore({ file: join(folder, 'write.sqlite'), thread: 'caller' })],
]

describe.each(adapters)('decisions on a store in %s', (_, open) => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rampart-decisions-'))
    database = await open()
    store = await database.openLog(logKey('school'))
    service = serve(store)
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.drain()))
    await database[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  test('record in a stream of their own, named by the events and the command', async () => {
    const done = await service.send(command('OpenCourse', { courseId: '1', seats: 2 }), wait)
    expect(done).toMatchObject({ status: 'succeeded', version: 2, position: 2 })
    expect(done.streamId).toBe(done.commandId)
    const events = []
    const id = streamId(done.streamId)
    for await (const page of store.readStream({ decider: 'course', id })) events.push(...page)
    expect(events.map(({ type, version, tags }) => [type, version, tags])).toEqual([
      ['CourseOpened', 1, ['course:1']],
      ['CourseNoted', 2, ['course:1']],
    ])
    expect(events[0]).toMatchObject({ commandId: done.commandId, causationId: done.commandId })
  })

  test('refuse and do nothing at version 0 of that stream', async () => {
    await openCourses(2, 1)
    const again = await service.send(command('OpenCourse', { courseId: '1', seats: 2 }), wait)
    expect(again).toMatchObject({ status: 'succeeded', version: 0, position: 4 })
    await service.send(enrolment(1, 'ada'), wait)
    const full = await service.send(enrolment(1, 'bob'), wait)
    expect(full).toMatchObject({ status: 'refused', code: 'COURSE_FULL', data: { courseId: '1' } })
    expect(await service.send(enrolment(1, 'ada'), wait)).toMatchObject({ code: 'ALREADY_ENROLLED' })
    expect(await service.send(enrolment(9, 'ada'), wait)).toMatchObject({ code: 'COURSE_FULL' })
    expect(await service.send(enrolment(2, 'bob'), wait)).toMatchObject({ status: 'succeeded', version: 1 })
  })

  test('a thousand that race for thirty seats fill thirty', async () => {
    await openCourses(1, 30)
    const racers = Array.from({ length: 1000 }, (_each, student) => service.send(enrolment(1, student), wait))
    expect(outcomes(await Promise.all(racers))).toEqual({ succeeded: 30, COURSE_FULL: 970 })
    expect(await enrolments()).toHaveLength(30)
  })

  test('a thousand over courses and students overrun neither limit', async () => {
    await openCourses(20, 12)
    const racers = Array.from({ length: 1000 }, (_each, index) =>
      service.send(enrolment((index % 20) + 1, Math.floor(index / 20)), wait),
    )
    const counted = outcomes(await Promise.all(racers))
    const all = await enrolments()
    expect(largest(all.map(({ courseId }) => courseId))).toBe(12)
    expect(largest(all.map(({ studentId }) => studentId))).toBe(coursesPerStudentMax)
    expect(counted).toMatchObject({ succeeded: 240 })
    expect(Object.keys(counted).toSorted()).toEqual(['COURSE_FULL', 'TOO_MANY_COURSES', 'succeeded'])
  })

  test('an e-mail is taken once, however it is written', async () => {
    const emails = Array.from({ length: 100 }, (_each, index) =>
      index % 2 === 0 ? 'Ada@x.org' : 'ada@X.org',
    )
    const racers = emails.map((email) => service.send(command('Register', { email }), wait))
    expect(outcomes(await Promise.all(racers))).toEqual({ succeeded: 1, EMAIL_TAKEN: 99 })
  })

  test('the same key has one effect and one answer, also when both race', async () => {
    await openCourses(1, 5)
    const sent = enrolment(1, 'ada', { key: 'k' })
    const [one, other] = await Promise.all([service.send(sent, wait), serve(store).send(sent, wait)])
    expect(other).toEqual(one)
    expect(await service.send(sent, wait)).toEqual(one)
    const reused = service.send(enrolment(1, 'bob', { key: 'k' }), wait)
    await expect(reused).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(await enrolments()).toHaveLength(1)
  })

  test('accepted ones are handled later, under the stream that they were told', async () => {
    await openCourses(1, 2)
    const received = await service.send(enrolment(1, 'ada', { key: 'later' }), accept)
    expect(received).toEqual({
      status: 'received',
      commandId: received.commandId,
      streamId: received.commandId,
    })
    expect(await service.status(received.commandId)).toEqual(received)
    service.start()
    const done = await service.finalStatus(received.commandId, AbortSignal.timeout(5000))
    expect(done).toMatchObject({ status: 'succeeded', streamId: received.commandId, version: 1 })
    expect(await service.send(enrolment(1, 'ada', { key: 'later' }), wait)).toEqual(done)
  })

  test('take no stream id and demand no version', async () => {
    const named = service.send(enrolment(1, 'ada', { streamId: 'mine' }), wait)
    await expect(named).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      details: { faults: [{ pointer: '/streamId' }] },
    })
    const demanding = service.send(enrolment(1, 'ada', { expectedVersion: streamVersion(0) }), wait)
    await expect(demanding).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    const invalid = service.send(command('Enrol', { courseId: 1 }), wait)
    await expect(invalid).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  })

  test.each([
    ['query throws', /threw in query/],
    ['no items', /queries 0 items/],
    ['no tags', /without tags/],
    ['evolve throws', /threw in evolve/],
    ['evolve mutates', /threw in evolve/],
    ['decide throws', /Misdecide threw/],
    ['undeclared', /refused with UNKNOWN/],
    ['two definitions', /must be of one definition/],
  ])('one that goes wrong (%s) says how, and records nothing', async (how, message) => {
    await openCourses(1, 1)
    const head = await store.head()
    const attempt = service.send(command('Misdecide', { how }), wait)
    await expect(attempt).rejects.toMatchObject({
      code: 'DECIDER_FAILED',
      message: expect.stringMatching(message),
    })
    expect(await store.head()).toEqual(head)
  })
})

describe('decisions beside other writers of their log', () => {
  beforeEach(async () => {
    database = createMemoryStore()
    store = await database.openLog(logKey('school'))
    service = serve(store)
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.drain()))
    await database[Symbol.asyncDispose]()
  })

  /** Opens another place before each of the first so many appends of a student's. */
  function interfering(times: number): EventStore {
    let left = times
    return {
      ...store,
      append: async (request) => {
        const isEnrolment = request.failIfMatch?.some(({ tags }) => tags.includes('student:ada')) === true
        if (isEnrolment && left-- > 0) {
          const done = await service.send(command('OpenCourse', { courseId: '1', seats: 1 }), wait)
          if (done.status !== 'succeeded' || done.version === 0)
            await service.send(enrolment(1, `other ${left}`), wait)
        }
        return store.append(request)
      },
    }
  }

  test('a thousand through two services never oversubscribe', async () => {
    await openCourses(1, 30)
    const other = serve(store)
    const racers = Array.from({ length: 1000 }, (_each, student) =>
      (student % 2 === 0 ? service : other).send(enrolment(1, student), wait),
    )
    expect(outcomes(await Promise.all(racers))).toEqual({ succeeded: 30, COURSE_FULL: 970 })
    expect(await enrolments()).toHaveLength(30)
  })

  test('a refusal that rests on an old state is decided again', async () => {
    const slow = serve(interfering(1))
    const done = await slow.send(enrolment(1, 'ada'), wait)
    expect(done).toMatchObject({ status: 'succeeded', version: 1 })
  })

  test('only what came in between is read again', async () => {
    await openCourses(1, 2000)
    const first = Array.from({ length: 900 }, (_each, student) => service.send(enrolment(1, student), wait))
    await Promise.all(first)
    let events = 0
    const counting: EventStore = {
      ...interfering(3),
      readLog: async function* (query) {
        for await (const page of store.readLog(query)) {
          events += page.events.length
          yield page
        }
      },
    }
    expect(await serve(counting).send(enrolment(1, 'ada'), wait)).toMatchObject({ status: 'succeeded' })
    expect(events).toBe(901 + 3)
  })

  test('one whose events keep coming is given up after a bounded number of attempts', async () => {
    await openCourses(1, 2000)
    const contended = serve(interfering(1000), { conflicts: 7 })
    const attempt = contended.send(enrolment(1, 'ada'), wait)
    await expect(attempt).rejects.toMatchObject({ code: 'STREAM_CONTENDED' })
    expect(await enrolments()).toHaveLength(8)
  })

  test('too many that wait for the same events are told to come back', async () => {
    await openCourses(2, 5)
    const narrow = serve(store, { perStream: 10 })
    const racers = Array.from({ length: 20 }, (_each, student) => narrow.send(enrolment(1, student), wait))
    const settled = await Promise.allSettled([...racers, narrow.send(enrolment(2, 'ada'), wait)])
    const refused = settled.filter((each) => each.status === 'rejected')
    expect(refused.map(({ reason }) => reason.code)).toEqual(Array.from({ length: 10 }, () => 'OVERLOADED'))
    expect(await narrow.send(enrolment(1, 'eve'), wait)).toMatchObject({ status: 'refused' })
  })
})
