// Decisions over HTTP: commands without a stream id, whose answer names the stream that they made.
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { app } from '../../host/index.ts'
import { school } from '../../write/test/courses.ts'
import { bodyOf, problemIn, serveShop, type ServedShop } from '../test/shop.ts'

const answer = ({ streamId }: { readonly streamId: string }) => ({ enrolment_id: streamId })
const university = app('school', {
  contexts: [school],
  routes: [{ method: 'POST', path: '/enrolments', command: 'Enrol', answer }],
})

let served: ServedShop
beforeEach(async () => {
  served = await serveShop({ app: university, prefix: '/school' })
  await served.post('/commands/OpenCourse', { data: { courseId: 'art', seats: 2 } })
})
afterEach(() => served[Symbol.asyncDispose]())

const enrolment = (studentId: string) => ({ data: { courseId: 'art', studentId } })

test('answers with the stream that it made, and a read can wait for it', async () => {
  const response = await served.post('/commands/Enrol', enrolment('ada'))
  const body = await bodyOf(response)
  expect([response.status, body]).toEqual([
    200,
    { commandId: body.commandId, status: 'succeeded', streamId: body.commandId, version: 1, position: 3 },
  ])
  const token = response.headers.get('consistency-token') ?? ''
  const read = await bodyOf(await served.get('/reads/courses/art', { 'consistency-token': token }))
  expect(read).toEqual({ key: 'art', data: { seats: 2, students: 1 } })
})

test('refuses like any command, with its code and data', async () => {
  await served.post('/commands/Enrol', enrolment('ada'))
  await served.post('/commands/Enrol', enrolment('bob'))
  const problem = await problemIn(await served.post('/commands/Enrol', enrolment('eve')))
  expect(problem).toMatchObject({ status: 422, code: 'COURSE_FULL', data: { courseId: 'art' } })
})

test('takes no stream id and no If-Match', async () => {
  const named = await problemIn(await served.post('/commands/Enrol', { streamId: 'x', ...enrolment('ada') }))
  expect(named).toMatchObject({ status: 400, code: 'INPUT_INVALID', errors: [{ pointer: '/streamId' }] })
  const demanding = await served.post('/commands/Enrol', enrolment('ada'), { 'if-match': '"0"' })
  expect(await problemIn(demanding)).toMatchObject({ status: 400, code: 'INPUT_INVALID' })
  const wrong = await problemIn(await served.post('/commands/Enrol', { data: { courseId: 'art' } }))
  expect(wrong).toMatchObject({ status: 400, errors: [{ pointer: '/data/studentId' }] })
  expect(await bodyOf(await served.get('/admin/events'))).toMatchObject({ head: 2 })
})

test('has one effect per key, and its first answer for another try', async () => {
  const key = { 'idempotency-key': 'once' }
  const first = await bodyOf(await served.post('/commands/Enrol', enrolment('ada'), key))
  expect(await bodyOf(await served.post('/commands/Enrol', enrolment('ada'), key))).toEqual(first)
  const other = await problemIn(await served.post('/commands/Enrol', enrolment('bob'), key))
  expect(other).toMatchObject({ status: 409, code: 'IDEMPOTENCY_KEY_REUSED' })
  expect(await bodyOf(await served.get('/admin/events'))).toMatchObject({ head: 3 })
})

test('is accepted for later under the id that its status and stream have', async () => {
  const prefer = { prefer: 'respond-async' }
  const accepted = await served.post('/commands/Enrol', enrolment('ada'), prefer)
  const { commandId, ...rest } = await bodyOf(accepted)
  expect([accepted.status, rest]).toEqual([202, { status: 'received', streamId: commandId }])
  const status = () => served.get(`/commands/${commandId}`).then(bodyOf)
  await expect.poll(status).toMatchObject({ status: 'succeeded', streamId: commandId, version: 1 })
})

test('may stand behind a route of the app, without an id in its path', async () => {
  const response = await served.post('/enrolments', enrolment('ada').data)
  const body = await bodyOf(response)
  expect(body).toMatchObject({ status: 'succeeded', enrolment_id: body.commandId })
  const path = '/enrolments/:id'
  const named = () =>
    app('x', { contexts: [school], routes: [{ method: 'PUT', path, command: 'Enrol', answer }] })
  expect(named).toThrow('Leave :id out of its path')
})

test('is described without stream id and If-Match', async () => {
  const document = await bodyOf(await served.get('/openapi.json'))
  const validated = await new Validator().validate(structuredClone(document))
  expect(validated.errors ?? []).toEqual([])
  const { post } = document.paths['/school/commands/Enrol']
  const { schema } = post.requestBody.content['application/json']
  expect([schema.required, Object.keys(schema.properties)]).toEqual([['data'], ['data']])
  expect(JSON.stringify(post.parameters)).not.toContain('IfMatch')
  expect(JSON.stringify(post.responses['422'])).toContain('COURSE_FULL')
  expect(await (await served.get('/docs')).text()).toContain('A decision over events of')
})

test('a thousand at once never oversubscribe', async () => {
  const racers = Array.from({ length: 1000 }, (_, student) =>
    served.post('/commands/Enrol', enrolment(`${student}`)),
  )
  const statuses = (await Promise.all(racers)).map((each) => each.status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(2)
  expect(statuses.filter((status) => status === 422)).toHaveLength(998)
})
