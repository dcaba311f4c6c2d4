// Asks another process for what it alone can tell or do: operators may turn to any that has their endpoints.
import { childPointer } from '../../core/codec/index.ts'
import { isRampartError, RampartError } from '../../core/index.ts'
import { readJsonObject } from '../body.ts'
import { whilePresent, type AppDescription, type Endpoint, type Surroundings } from '../endpoint.ts'
import { headerOf, invalidInput, type Exchange } from '../exchange.ts'
import { hasRole } from '../own-part.ts'
import { retryHeaders } from '../problem.ts'
import type { ReadModel } from '../../projection/index.ts'
import type { Visitor } from '../visitor.ts'

/** What a request of an operator carries; empty where it has no body. */
export type OperatorBody = Readonly<Record<string, unknown>>

/** Throws `INPUT_INVALID` for a body with other members than `action`. */
export function requireOnlyAction(body: OperatorBody): void {
  const foreign = Object.keys(body).find((member) => member !== 'action')
  if (foreign === undefined) return
  const detail = 'is not known; send action alone'
  throw invalidInput('The body has an unknown member.', [{ pointer: childPointer('', foreign), detail }])
}

/** An endpoint about what runs in one process of several. */
export interface ModelEndpoint extends Pick<Endpoint, 'method' | 'path'> {
  /** Throws what no process could answer otherwise. */
  readonly check?: (exchange: Exchange) => void
  readonly handle: (exchange: Exchange, visitor: Visitor, body: OperatorBody) => Promise<Response>
}

/** Whether an app has a projection of this name whose documents commit with events, and run nowhere. */
export function isSynchronous({ contexts }: AppDescription, name: string): boolean {
  return contexts.some(({ projections }) => projections.some((one) => one.name === name && one.synchronous))
}

/** The addresses of the other processes that keep read models of an app up to date, with its prefix there. */
export type Elsewhere = () => Promise<readonly string[]>

/** What the operators' endpoints of read models need. */
export interface OperatedModels {
  readonly app: AppDescription
  readonly models: readonly ReadModel[]
  readonly around: Surroundings
  readonly elsewhere: Elsewhere
}

/** Set on what one process asks another, which must not ask on. */
const askedHeader = 'rampart-asked'
const lookMs = 10_000
/** A replay reads and writes all that waits for one key. */
const actMs = 60_000
const noBody: OperatorBody = {}

/** Endpoints that answer by themselves where that is possible, else with what another process says. */
export function answeredAnywhere(
  endpoints: readonly ModelEndpoint[],
  { app, around, elsewhere }: OperatedModels,
): readonly Endpoint[] {
  return endpoints.map(({ method, path, check, handle }) => ({
    method,
    path,
    async handle(exchange, visitor) {
      check?.(exchange)
      const body = method === 'GET' ? noBody : await readJsonObject(exchange, around)
      const isAsked = headerOf(exchange, askedHeader) !== undefined
      if (hasRole(app, 'project')) {
        try {
          return await handle(exchange, visitor, body)
        } catch (fault) {
          if (isAsked || !isRampartError(fault, 'ROLE_ELSEWHERE')) throw fault
        }
      }
      const addresses = isAsked ? [] : await elsewhere()
      const rest = exchange.req.path.slice(app.prefix.length)
      return askInTurn(
        addresses.map((address) => `${address}${rest}`),
        { exchange, body, around },
      )
    },
  }))
}

interface Asked {
  readonly exchange: Exchange
  readonly body: OperatorBody
  readonly around: Surroundings
}

/** The answer of the process that has what is asked for, or of those that have parts of it. */
async function askInTurn(targets: readonly string[], asked: Asked): Promise<Response> {
  const found: Answer[] = []
  let silent: string | undefined
  for (const target of targets) {
    // oxlint-disable-next-line no-await-in-loop -- most often the first one has it
    const answer = await ask(target, asked)
    if (answer === undefined) silent = target
    else if (!isElsewhere(answer)) found.push(answer)
    if (found.length > 0 && !lacksParts(found)) break
  }
  const answer = together(found)
  if (answer !== undefined) return passedOn(answer)
  const message =
    silent === undefined
      ? 'No process is known that keeps this read model up to date. Start one with the role project.'
      : `The process at ${new URL(silent).host} may have this, and does not answer. Try again.`
  throw new RampartError('PROJECTION_STOPPED', message)
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
  /** What it is when it is JSON. */
  readonly value: unknown
}

/** What a process answers; `undefined` when nobody does. */
async function ask(target: string, { exchange, body, around }: Asked): Promise<Answer | undefined> {
  const method = exchange.req.method === 'POST' ? 'POST' : 'GET'
  const token = headerOf(exchange, 'authorization')
  const headers = {
    [askedHeader]: '1',
    ...(token === undefined ? {} : { authorization: token }),
    ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
  }
  const sent = { method, headers, ...(method === 'POST' ? { body: JSON.stringify(body) } : {}) }
  const late = new AbortController()
  const timer = around.runtime.setTimer(method === 'GET' ? lookMs : actMs, () => late.abort())
  try {
    return await whilePresent(exchange, around.draining, async (signal) => {
      const init = { ...sent, redirect: 'error' as const, signal: AbortSignal.any([signal, late.signal]) }
      const response = await fetch(target, init)
      const type = response.headers.get('content-type') ?? 'application/json'
      const text = await response.text()
      return { status: response.status, type, text, value: parsed(text) }
    })
  } catch {
    around.draining.throwIfAborted()
    return undefined
  } finally {
    timer.cancel()
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Something else stands at this address by now.
    return undefined
  }
}

function isElsewhere({ status, value }: Answer): boolean {
  return value === undefined || (status === 404 && within(value, 'code') === 'ROLE_ELSEWHERE')
}

/** Whether there are parts of a split projection that none of these processes runs. */
function lacksParts(answers: readonly Answer[]): boolean {
  const all = Number(within(answers[0]?.value, 'parts', 'all') ?? 0)
  return answers.every(({ status }) => status < 400) && partsIn(answers) < all
}

function partsIn(answers: readonly Answer[]): number {
  return answers.reduce((sum, { value }) => sum + Number(within(value, 'parts', 'here') ?? 0), 0)
}

/** One answer for all of them: what failed, else what is the least far. */
function together(answers: readonly Answer[]): Answer | undefined {
  const placeOf = ({ value }: Answer): number =>
    Number(within(value, 'build', 'position') ?? Number.POSITIVE_INFINITY)
  const failed = answers.find(({ status }) => status >= 400)
  const chosen = failed ?? answers.toSorted((one, other) => placeOf(one) - placeOf(other))[0]
  if (failed !== undefined || answers.length < 2 || typeof chosen?.value !== 'object') return chosen
  const parts = { here: partsIn(answers), all: within(chosen.value, 'parts', 'all') }
  return { ...chosen, text: JSON.stringify({ ...chosen.value, parts }) }
}

function within(value: unknown, ...names: readonly string[]): unknown {
  const [name, ...rest] = names
  if (name === undefined) return value
  if (typeof value !== 'object' || value === null) return undefined
  const members: Readonly<Record<string, unknown>> = { ...value }
  return within(members[name], ...rest)
}

function passedOn({ status, type, text }: Answer): Response {
  const headers = { 'content-type': type, 'cache-control': 'no-store', ...retryHeaders(status) }
  return new Response(text, { status, headers })
}
