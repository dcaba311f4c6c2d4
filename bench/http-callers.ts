// Callers over HTTP in a process of their own, each on a connection of its own: they ask, wait for the
// answer, and ask again. Bare sockets, because the servers pay for what their callers cost on the same
// machine.
import { once } from 'node:events'
import { connect } from 'node:net'

/** What the callers do; the first argument, as JSON. */
export interface Calls {
  readonly port: number
  readonly callers: number
  /** Not counted. */
  readonly warmUpMs: number
  readonly durationMs: number
  /** `{account}` stands for one of `accounts`, in turn. */
  readonly path: string
  readonly body: string
  readonly accounts: number
}

/** What came of it; printed as JSON. */
export interface Called {
  readonly operations: number
  readonly elapsedMs: number
  readonly latenciesMs: readonly number[]
}

const endOfHead = '\r\n\r\n'
// The parent writes `Calls` there.
const calls: Calls = JSON.parse(process.argv[2] ?? '')
let operations = 0

const callers = await Promise.all(Array.from({ length: calls.callers }, openCaller))
// Each is answered once before the warm-up begins, however long a server takes to find its feet.
await callFor(0)
await callFor(calls.warmUpMs)
const called = await callFor(calls.durationMs)
process.stdout.write(JSON.stringify(called))
for (const { end } of callers) end()

/** Lets every caller ask once at least, and then again until the time is up. */
async function callFor(durationMs: number): Promise<Called> {
  const latenciesMs: number[] = []
  const startedMs = performance.now()
  await Promise.all(
    callers.map(async ({ ask }) => {
      do {
        const askedMs = performance.now()
        // oxlint-disable-next-line no-await-in-loop -- a caller asks when it was answered
        await ask()
        latenciesMs.push(performance.now() - askedMs)
      } while (performance.now() - startedMs < durationMs)
    }),
  )
  return { operations: latenciesMs.length, elapsedMs: performance.now() - startedMs, latenciesMs }
}

interface Caller {
  /** Sends the next command. Rejects unless it succeeds. */
  readonly ask: () => Promise<void>
  readonly end: () => void
}

async function openCaller(): Promise<Caller> {
  const socket = connect({ port: calls.port, host: '127.0.0.1', noDelay: true })
  socket.setEncoding('latin1')
  let answer = ''
  let asked = Promise.withResolvers<void>()
  socket.on('error', (error) => asked.reject(error))
  socket.on('close', () => asked.reject(new Error('The server closed a connection.')))
  socket.on('data', (chunk) => {
    answer += String(chunk)
    if (!isWhole(answer)) return
    if (answer.startsWith('HTTP/1.1 200 ')) asked.resolve()
    else asked.reject(new Error(`The server answered: ${answer}`))
    answer = ''
  })
  await once(socket, 'connect')
  return {
    ask() {
      asked = Promise.withResolvers<void>()
      socket.write(request(operations++))
      return asked.promise
    },
    end: () => socket.end(),
  }
}

function request(operation: number): string {
  const account = `account-${operation % calls.accounts}`
  const body = calls.body.replace('{account}', account)
  return [
    `POST ${calls.path.replace('{account}', account)} HTTP/1.1`,
    `host: 127.0.0.1:${calls.port}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    `idempotency-key: ${process.pid}-${operation}`,
    '',
    body,
  ].join('\r\n')
}

function isWhole(answer: string): boolean {
  const head = answer.indexOf(endOfHead)
  if (head === -1) return false
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(answer) ?? []
  if (length === undefined) throw new Error(`An answer does not say how long it is: ${answer}`)
  return answer.length >= head + endOfHead.length + Number(length)
}
