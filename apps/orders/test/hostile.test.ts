// Both apps under requests that no honest client sends: each is answered with a problem, soon, and changes
// nothing.
import { connect } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { hostileRequests, type HostileRequest } from './hostile-requests.ts'
import { startAll, temporaryFolder } from './server.ts'

const folder = temporaryFolder()
const server = await startAll(folder.path, { RAMPART_SAMPLE: 'none', RAMPART_RATE_PER_SECOND: '0' })
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  folder.remove()
})

const answerMsMax = 30_000
const inFlight = 16

/** What comes back until the connection closes; a stream or an upgrade is left as soon as it has begun. */
function exchange({ bytes }: HostileRequest): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect({ port: Number(new URL(server.base).port), host: '127.0.0.1' })
  let seen = ''
  const leave = (): void => {
    socket.destroy()
    resolve(seen)
  }
  socket.setTimeout(answerMsMax, leave)
  socket.on('data', (chunk) => {
    seen += chunk.toString('latin1')
    const isStream = /content-type: text\/event-stream/i.test(seen)
    if (isStream || (/connection: keep-alive/i.test(seen) && /\r\n\r\n/.test(seen))) leave()
  })
  socket.on('close', leave)
  socket.on('error', leave)
  socket.write(bytes)
  return promise
}

/** What is wrong with an answer; `undefined` when nothing is. */
function faultOf({ name }: HostileRequest, text: string): string | undefined {
  const answer = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])
  const [head = '', ...parts] = answer.split('\r\n\r\n')
  const body = parts.join('')
  if (Number.isNaN(status)) return 'no answer'
  if (status >= 500) return `the status ${status}`
  if (status < 400) return /^(POST|PUT|PATCH|DELETE)/.test(name) ? 'it was accepted' : undefined
  if (!/content-type: application\/problem\+json/i.test(head)) return 'no problem document'
  if (name.startsWith('HEAD')) return body === '' ? undefined : 'a body for HEAD'
  const problem: unknown = JSON.parse(Buffer.from(body, 'latin1').toString('utf8'))
  if (/\n\s+at /.test(body)) return 'a stack trace'
  return (problem as { status?: number }).status === status ? undefined : 'a problem of another status'
}

async function heads(): Promise<readonly unknown[]> {
  const answers = ['calculator', 'orders'].map(async (app) => {
    const response = await fetch(`${server.base}/${app}/admin/events?limit=1`)
    return ((await response.json()) as { head: number }).head
  })
  return Promise.all(answers)
}

test('every hostile request is answered with a problem in time, and none leaves a trace', async () => {
  const requests = [...hostileRequests()]
  expect(requests.length).toBeGreaterThan(1000)
  const faults: string[] = []
  let next = 0
  const send = async (): Promise<void> => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      const answer = await exchange(request)
      const fault = faultOf(request, answer)
      if (fault !== undefined) faults.push(`${request.name}: ${fault}: ${answer.slice(0, 200)}`)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, send))
  expect(faults).toEqual([])
  expect(await heads()).toEqual([0, 0])
  expect((await fetch(`${server.base}/readyz`)).status).toBe(200)
  expect(server.process.isRunning()).toBe(true)
})
