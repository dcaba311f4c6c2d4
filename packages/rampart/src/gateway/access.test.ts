// Who may send and read what: rules of app, decider and projection, on every way to a command or a document.
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  context,
  decider,
  decision,
  events,
  projection,
  state,
  systemRuntime,
  type Caller,
  type Runtime,
} from '../core/index.ts'
import { app } from '../host/index.ts'
import { bodyOf, eventsOf, placing, problemIn, serveShop, type ServedShop } from './test/shop.ts'
import { as, bySecret } from './test/tokens.ts'

const noteEvents = events('note', {
  NoteWritten: {
    version: 1,
    schema: z.strictObject({ owner: z.string(), text: z.string() }),
    tags: ({ text }) => [`text:${text}`],
  },
  NoteShared: { version: 1, schema: z.strictObject({ with: z.string() }) },
})
const { NoteWritten, NoteShared } = noteEvents.make
const readers = (page: { readonly owner: string; readonly sharedWith: string }): readonly string[] => [
  page.owner,
  page.sharedWith,
]
const note = decider(noteEvents, {
  state: state(1, () => ({ owner: '' })),
  evolve: { NoteWritten: (_, { owner }) => ({ owner }), NoteShared: (before) => before },
  may: (caller, { owner }, { id, type }) =>
    owner === caller?.subject || (owner === '' && type === 'WriteNote' && !id.startsWith('reserved')),
  commands: {
    WriteNote: {
      schema: z.strictObject({ text: z.string() }),
      refuses: [],
      decide: (_, { text }, { actor }) => NoteWritten({ owner: actor ?? 'nobody', text }),
    },
    ShareNote: {
      schema: z.strictObject({ with: z.string() }),
      refuses: [],
      decide: (_, data) => NoteShared(data),
    },
    PurgeNotes: {
      schema: z.strictObject({}),
      refuses: ['NEVER'],
      decide: (_, _data, { refuse }) => refuse('NEVER'),
    },
  },
})
const notes = projection('notes', {
  version: 1,
  of: noteEvents,
  key: 'stream',
  initial: { owner: '', text: '', sharedWith: '' },
  on: {
    NoteWritten: (page, { data }) => ({ ...page, ...data }),
    NoteShared(page, { data }) {
      if (data.with === 'mallory') throw new Error('mallory breaks every page')
      return { ...page, sharedWith: data.with }
    },
  },
  indexes: ['owner'],
  may: (caller, _key, page) => caller !== null && readers(page).includes(caller.subject),
})
const counts = projection('counts', {
  version: 1,
  of: noteEvents,
  key: { NoteWritten: ({ data }) => data.owner },
  initial: { notes: 0 },
  on: { NoteWritten: (page) => ({ notes: page.notes + 1 }) },
})
// Only who has written a note that the tag names may forget it.
const forgetting = decision('ForgetName', {
  of: noteEvents,
  schema: z.strictObject({ name: z.string() }),
  refuses: [],
  query: ({ name }) => [{ tags: [`text:${name}`] }],
  state: state(1, () => ({ owner: '' })),
  evolve: { NoteWritten: (_, { owner }) => ({ owner }) },
  may: (caller, { owner }, { name }) => caller?.subject === owner || (owner === '' && name !== 'reserved'),
  decide: (_, { name }, { actor }) => NoteWritten({ owner: actor ?? '', text: name }),
})
const journal = app('journal', {
  contexts: [context('journal', { deciders: [note], decisions: [forgetting], projections: [notes, counts] })],
  routes: [
    { method: 'GET', path: '/notes/:id', read: 'notes', answer: ({ data }) => ({ note: data }) },
    { method: 'POST', path: '/purge/:id', command: 'PurgeNotes', answer: () => ({}) },
  ],
  access: {
    send: (caller, type) => type !== 'PurgeNotes' || caller?.roles.includes('janitor') === true,
    read: (caller, name) => name !== 'counts' || caller?.roles.includes('auditor') === true,
  },
})

const ada = as('ada')
const bob = as('bob')
const root = as('root', 'admin')
const stream = { accept: 'text/event-stream' }

async function serveJournal(runtime: Runtime = systemRuntime): Promise<ServedShop> {
  return serveShop({ app: journal, prefix: '/journal', authentication: bySecret, runtime })
}
const served = await serveJournal()
const { get, post } = served
afterAll(() => served[Symbol.asyncDispose]())

type Headers = Readonly<Record<string, string>>
async function write(from: ServedShop, id: string, headers: Headers, text = 'secret'): Promise<string> {
  const answer = await from.post('/commands/WriteNote', { streamId: id, data: { text } }, headers)
  expect(answer.status).toBe(200)
  return (await bodyOf(answer)).commandId
}
async function share(id: string, reader: string): Promise<Response> {
  return post('/commands/ShareNote', { streamId: id, data: { with: reader } }, ada)
}

describe('sending', () => {
  test('a type that its rule forbids is 403 before its body is read', async () => {
    for (const path of ['/commands/PurgeNotes', '/purge/1']) {
      const response = await post(path, 'no JSON', ada)
      expect(await problemIn(response)).toMatchObject({ status: 403, code: 'FORBIDDEN' })
      expect((await post(path, 'no JSON', as('joe', 'janitor'))).status).toBe(400)
    }
  })

  test('a stream that its rule forbids is 403, whatever version is demanded, and claims no key', async () => {
    await write(served, 'mine', ada)
    const key = { 'idempotency-key': 'share-mine' }
    const body = { streamId: 'mine', data: { with: 'bob' } }
    for (const more of [{}, { 'if-match': '"1"' }, { 'if-match': '"7"' }, { prefer: 'wait=1' }]) {
      const problem = await problemIn(await post('/commands/ShareNote', body, { ...bob, ...key, ...more }))
      expect(problem).toEqual({
        type: 'about:blank',
        title: 'Forbidden',
        status: 403,
        code: 'FORBIDDEN',
        detail: 'You may not send ShareNote to this stream.',
      })
    }
    expect(
      (await post('/commands/WriteNote', { streamId: 'reserved/1', data: { text: 'x' } }, ada)).status,
    ).toBe(403)
    expect((await post('/commands/ShareNote', body, { ...ada, ...key })).status).toBe(200)
  })

  test('of two who race for a stream one becomes its owner, the other is forbidden', async () => {
    const racing = await Promise.all(
      [ada, bob].map((who) => post('/commands/WriteNote', { streamId: 'raced', data: { text: '' } }, who)),
    )
    const statuses = racing.map(({ status }) => status)
    expect([statuses.length, statuses.includes(200), statuses.includes(403)]).toEqual([2, true, true])
  })

  test('an accepted command is judged when it is handled, by the roles of its sender', async () => {
    await write(served, 'later', ada)
    const body = { streamId: 'later', data: { with: 'bob' } }
    const accepted = await post('/commands/ShareNote', body, { ...bob, prefer: 'respond-async' })
    expect(accepted.status).toBe(202)
    const { commandId } = await bodyOf(accepted)
    await expect
      .poll(async () => bodyOf(await get(`/commands/${commandId}`, bob)))
      .toMatchObject({ status: 'failed', code: 'FORBIDDEN' })
    expect((await get(`/commands/${commandId}`, ada)).status).toBe(404)
    const [service] = served.engine.services
    expect(service?.types).toContain('ShareNote')
    expect(await served.engine.stores[0]?.inbox.deadLetters(10)).toEqual([])
  })

  test('a key is its sender’s own', async () => {
    const key = { 'idempotency-key': 'the same' }
    const one = await post('/commands/WriteNote', { streamId: 'k1', data: { text: 'a' } }, { ...ada, ...key })
    const two = await post('/commands/WriteNote', { streamId: 'k2', data: { text: 'b' } }, { ...bob, ...key })
    expect([one.status, two.status]).toEqual([200, 200])
    expect((await bodyOf(one)).commandId).not.toBe((await bodyOf(two)).commandId)
  })

  test('a decision that its rule forbids is 403, also when handled later, and claims no key', async () => {
    const forget = (name: string, who: Headers, more: Headers = {}): Promise<Response> =>
      post('/commands/ForgetName', { data: { name } }, { ...who, ...more })
    expect((await forget('reserved', ada)).status).toBe(403)
    expect((await forget('x', ada)).status).toBe(200)
    const key = { 'idempotency-key': 'forget' }
    expect((await forget('x', bob, key)).status).toBe(403)
    expect((await forget('y', bob, key)).status).toBe(200)
    const { commandId } = await bodyOf(await forget('x', bob, { prefer: 'respond-async' }))
    await expect
      .poll(async () => bodyOf(await get(`/commands/${commandId}`, bob)))
      .toMatchObject({ status: 'failed', code: 'FORBIDDEN' })
  })

  test('a program asks no rule of itself', async () => {
    const service = served.engine.serviceOf('WriteNote')
    const data = { text: 'from within' }
    const sent = { type: 'WriteNote', streamId: 'reserved/within', data, actor: null }
    expect((await service.send(sent, { mode: 'wait', waitMs: 60_000 })).status).toBe('succeeded')
  })
})

describe('the status of a command', () => {
  test('answers its sender and operators, and is unknown to everybody else', async () => {
    const commandId = await write(served, 'status', ada)
    const unknown = await get('/commands/0190a5b2-7c3e-7d4f-8a1b-2c3d4e5f6071', bob)
    const stranger = await get(`/commands/${commandId}`, bob)
    expect([stranger.status, await stranger.text()]).toEqual([404, await unknown.text()])
    expect([...stranger.headers]).toEqual([...unknown.headers])
    for (const more of [stream, { ...stream, 'last-event-id': 'succeeded' }]) {
      expect((await get(`/commands/${commandId}`, { ...bob, ...more })).status).toBe(404)
    }
    expect((await get(`/commands/${commandId.toUpperCase()}`, bob)).status).toBe(404)
    expect((await get(`/commands/${commandId}`, ada)).status).toBe(200)
    expect((await get(`/commands/${commandId}`, root)).status).toBe(200)
    const events = eventsOf(await get(`/commands/${commandId}`, { ...ada, ...stream }))
    expect((await events.next())?.data.status).toBe('succeeded')
  })

  test('of refusals is kept from strangers, too', async () => {
    const janitor = as('joe', 'janitor')
    const who = { ...as('joe'), ...janitor }
    await write(served, 'refused', as('joe'))
    const refused = await post('/commands/PurgeNotes', { streamId: 'refused' }, who)
    const { commandId } = await problemIn(refused)
    expect(refused.status).toBe(422)
    expect((await get(`/commands/${commandId}`, bob)).status).toBe(404)
    expect((await get(`/commands/${commandId}`, as('joe'))).status).toBe(200)
  })

  test('of what nobody was authenticated for is for operators', async () => {
    const service = served.engine.serviceOf('WriteNote')
    const sent = { type: 'WriteNote', streamId: 'reserved/old', data: { text: '' }, actor: null }
    const { commandId } = await service.send(sent, { mode: 'wait', waitMs: 60_000 })
    expect((await get(`/commands/${commandId}`, ada)).status).toBe(404)
    expect((await get(`/commands/${commandId}`, root)).status).toBe(200)
  })
})

describe('reading', () => {
  test('a projection that its rule forbids is 403 on every way to it', async () => {
    for (const path of ['/reads/counts', '/reads/counts/ada', '/reads/counts/nobody']) {
      for (const more of [{}, stream]) expect((await get(path, { ...ada, ...more })).status).toBe(403)
    }
    expect((await get('/reads/counts/ada', as('eve', 'auditor'))).status).not.toBe(403)
  })

  test('a document that its rule hides is not there', async () => {
    await write(served, 'hidden', ada)
    expect((await get('/reads/notes/hidden?v=1', ada)).status).toBe(200)
    const token = {
      'consistency-token': (await get('/reads/notes/hidden', ada)).headers.get('consistency-token') ?? '',
    }
    const asked = async (key: string, query: string, more: Headers) => {
      const response = await get(`/reads/notes/${key}${query}`, { ...bob, ...more })
      return [response.status, (await response.text()).replaceAll(key, 'KEY')]
    }
    for (const [query, more] of [
      ['', {}],
      ['', token],
      ['?v=0', {}],
      ['?v=1', { prefer: 'wait=0' }],
      ['?v=9', { prefer: 'wait=0' }],
      ['?v=1', { prefer: 'wait=1' }],
      ['', { 'if-none-match': '*' }],
    ] as const) {
      expect(await asked('hidden', query, more)).toEqual(await asked('absent', query, more))
    }
    expect((await get('/notes/hidden', bob)).status).toBe(404)
    expect((await get('/notes/hidden', ada)).status).toBe(200)
  })

  test('a document that is set aside is so for those who may read it, and absent for others', async () => {
    await write(served, 'broken', ada)
    await share('broken', 'mallory')
    await expect.poll(async () => (await get('/reads/notes/broken', ada)).status).toBe(503)
    const asked = async (path: string): Promise<unknown> => {
      const response = await get(path, { ...bob, prefer: 'wait=0' })
      return [response.status, (await response.text()).replaceAll(/broken|absent/g, 'KEY')]
    }
    for (const query of ['', '?v=0', '?v=1', '?v=9']) {
      const broken = await asked(`/reads/notes/broken${query}`)
      expect(broken).toEqual(await asked(`/reads/notes/absent${query}`))
    }
    const { items } = await bodyOf(await get('/reads/notes?limit=1000', bob))
    expect(items.map(({ key }: { key: string }) => key)).not.toContain('broken')
  })

  test('lists hold what a caller may read, on full pages whose cursors name nothing else', async () => {
    await using own = await serveJournal()
    for (let count = 0; count < 30; count++) {
      const id = `n${String(count).padStart(2, '0')}`
      await write(own, id, count % 3 === 0 ? bob : ada)
    }
    await own.get('/reads/notes/n28?v=1', ada)
    const keys: string[] = []
    const sizes: number[] = []
    let cursor = ''
    do {
      const page = await bodyOf(await own.get(`/reads/notes?limit=4${cursor}`, bob))
      keys.push(...page.items.map(({ key }: { key: string }) => key))
      sizes.push(page.items.length)
      const next = page.next === undefined ? '' : Buffer.from(page.next, 'base64url').toString()
      expect(next === '' || keys.includes(JSON.parse(next)[0])).toBe(true)
      cursor = page.next === undefined ? '' : `&cursor=${page.next}`
    } while (cursor !== '')
    expect(keys).toEqual(['n00', 'n03', 'n06', 'n09', 'n12', 'n15', 'n18', 'n21', 'n24', 'n27'])
    expect(sizes).toEqual([4, 4, 2])
    expect((await bodyOf(await own.get('/reads/notes?owner=ada', bob))).items).toEqual([])
    expect(await bodyOf(await own.get('/reads/notes', as('eve')))).toEqual({ items: [] })
  })

  test('live lists tell of a document when it may be read, and once when it may no longer', async () => {
    const live = await get('/reads/notes', { ...as('carl'), ...stream })
    const seen = eventsOf(live)
    await write(served, 'live', ada)
    const told: unknown[] = []
    for (const reader of ['carl', 'dora', 'carl']) {
      await share('live', reader)
      const [event] = await seen.take(1)
      told.push([event?.data.key, event?.data.data?.sharedWith ?? null])
      // Another change of what may not be read is not told at all.
      if (reader === 'dora') await share('live', 'bob')
    }
    expect(told).toEqual([
      ['live', 'carl'],
      ['live', null],
      ['live', 'carl'],
    ])
    await seen.close()
  })

  test('a live document says nothing while it may not be read', async () => {
    await write(served, 'shy', ada)
    await get('/reads/notes/shy?v=1', ada)
    const seen = eventsOf(await get('/reads/notes/shy', { ...as('carl'), ...stream }))
    await share('shy', 'bob')
    await share('shy', 'carl')
    await served.get('/reads/notes/shy?v=3', ada)
    const [first] = await seen.take(1)
    expect(first?.data).toMatchObject({ key: 'shy', version: 3, data: { sharedWith: 'carl' } })
    await share('shy', 'bob')
    expect((await seen.take(1))[0]?.data.data).toBeNull()
    await seen.close()
  })

  test('an id of somebody else’s stream resumes nothing, but begins anew', async () => {
    await write(served, 'resumed', ada)
    await get('/reads/notes/resumed?v=1', ada)
    const [first] = await eventsOf(await get('/reads/notes/resumed', { ...ada, ...stream })).take(1)
    const resume = { ...stream, 'last-event-id': first?.id ?? '' }
    await share('resumed', 'dora')
    for (const path of ['/reads/notes/resumed', '/reads/notes']) {
      const seen = eventsOf(await get(path, { ...as('fred'), ...resume }))
      expect((await seen.next())?.event).toBe('reset')
      await write(served, `fred-${path.length}`, as('fred'))
      const keys = path === '/reads/notes' ? (await seen.take(1)).map(({ data }) => data.key) : []
      expect(keys.every((key) => key.startsWith('fred-'))).toBe(true)
      await seen.close()
    }
  })
})

test('a live read ends when its token does', async () => {
  let aheadMs = 0
  const nowMs = (): number => systemRuntime.nowMs() + aheadMs
  await using own = await serveJournal({ ...systemRuntime, nowMs })
  await write(own, 'first', ada)
  const seen = eventsOf(await own.get('/reads/notes', { ...ada, ...stream }))
  expect((await seen.take(1))[0]?.data.key).toBe('first')
  aheadMs = 620_000
  const later = own.engine.serviceOf('WriteNote')
  const sent = { type: 'WriteNote', streamId: 'second', data: { text: '' }, actor: 'ada' }
  await later.send(sent, { mode: 'wait', waitMs: 60_000 })
  expect(await seen.next()).toBeUndefined()
  expect((await own.get('/reads/notes', ada)).status).toBe(401)
})

test('where nobody is authenticated rules get null, and everybody is an operator', async () => {
  const asked: (Caller | null)[] = []
  const open = app('open', {
    contexts: [context('open', { deciders: [note], projections: [notes] })],
    access: { send: (caller) => asked.push(caller) > 0 },
  })
  await using own = await serveShop({ app: open, prefix: '' })
  const placed = await own.post('/commands/WriteNote', { streamId: 'a', data: { text: '' } })
  expect([placed.status, asked]).toEqual([200, [null]])
  const { commandId } = await bodyOf(placed)
  expect((await own.get(`/commands/${commandId}`)).status).toBe(200)
  expect((await own.get('/admin/events')).status).toBe(200)
  expect((await own.get('/reads/notes/a?v=0')).status).toBe(404)
})

test.each([
  ['a promise', Promise.resolve(true)],
  ['a text', 'no'],
  ['one', 1],
])('a rule that answers with %s forbids', async (_name, answer) => {
  // What plain JavaScript may do, the types do not let through.
  const odd = (() => answer) as unknown as () => boolean
  const broken = app('broken', {
    contexts: [context('broken', { deciders: [note], projections: [notes] })],
    access: { send: odd, read: odd },
  })
  await using own = await serveShop({ app: broken, prefix: '' })
  expect((await own.post('/commands/WriteNote', placing('a'))).status).toBe(403)
  expect((await own.get('/reads/notes')).status).toBe(403)
})
