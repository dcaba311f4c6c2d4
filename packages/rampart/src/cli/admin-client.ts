// Calls the /admin of a running server for the commands of the command line that operate it.
import { InvalidArgumentError } from 'commander'
import { isRampartError, RampartError, systemRuntime } from '../core/index.ts'
import { createAnswer, type Answer } from './answer.ts'

/** A server by the address of an app on it: with its prefix, where it has one. */
export interface Server {
  readonly url: string
}

/** Where a server listens unless it is told otherwise. */
export const defaultUrl = 'http://127.0.0.1:3000'

/** Longest wait for an answer. */
const answerMs = 60_000

/** The address that an option names. */
export function addressOf(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text
  throw new InvalidArgumentError('It takes an address like http://127.0.0.1:3000/orders.')
}

/** Sends a request and gives the JSON of a success. Throws `INPUT_INVALID` with what the server said. */
export function callAdmin(server: Server, path: string, body?: object): Promise<Answer> {
  return call(server, path, { body, headers: {} })
}

async function call({ url }: Server, path: string, request: AdminRequest): Promise<Answer> {
  const address = `${url.replace(/\/+$/, '')}/admin/${path}`
  const response = await send(address, request)
  const text = await response.text()
  const answer = parsed(text)
  if (response.ok) return createAnswer(answer, address)
  const message = `${address} answered ${response.status}: ${reasonIn(answer, text)}`
  throw new RampartError('INPUT_INVALID', message, { details: { code: codeIn(answer) } })
}

/** Asks servers in turn, until one does not say that another has what is asked for. */
export async function callFirst(servers: readonly Server[], path: string, body?: object): Promise<Answer> {
  const [server, ...others] = servers
  if (server === undefined)
    throw new RampartError('INPUT_INVALID', 'There is no server to ask. Name it: --url.')
  try {
    return await callAdmin(server, path, body)
  } catch (fault) {
    if (others.length === 0 || !isElsewhere(fault)) throw fault
    return callFirst(others, path, body)
  }
}

// Each of several answers for itself alone: what one passed on to another would happen twice there.
const ofItself = { 'rampart-asked': '1' }

/**
 * Asks all of them, and gives the answers of those that have what is asked for: of what concerns some alone,
 * the others refuse. Throws where none has.
 */
export async function callEach(
  servers: readonly Server[],
  path: string,
  body?: object,
): Promise<readonly Answer[]> {
  const headers = servers.length > 1 ? ofItself : {}
  const asked = await Promise.allSettled(servers.map((server) => call(server, path, { body, headers })))
  const answers = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = asked.filter((one) => one.status === 'rejected').filter((one) => !isElsewhere(one.reason))
  const worst = failed.find((one) => !isRefused(one.reason)) ?? (answers.length > 0 ? undefined : failed[0])
  if (worst !== undefined) throw worst.reason
  // Where no process has it, the last one says so: no answer is not an answer without entries.
  return answers.length > 0 ? answers : [await callFirst(servers, path, body)]
}

function isElsewhere(fault: unknown): boolean {
  return isAnswered(fault, 'ROLE_ELSEWHERE')
}

function isRefused(fault: unknown): boolean {
  return isAnswered(fault, 'INPUT_INVALID')
}

function isAnswered(fault: unknown, code: string): boolean {
  return isRampartError(fault, 'INPUT_INVALID') && fault.details['code'] === code
}

function codeIn(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'code' in answer ? String(answer.code) : ''
}

interface AdminRequest {
  readonly body: object | undefined
  readonly headers: Readonly<Record<string, string>>
}

async function send(address: string, { body, headers: also }: AdminRequest): Promise<Response> {
  const token = process.env['RAMPART_TOKEN']
  const headers = {
    ...also,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const asked = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  try {
    return await fetchWithin(answerMs, address, { ...asked, headers })
  } catch (cause) {
    const message = `No server answers at ${address}. Start it, or name it: --url ${defaultUrl}.`
    throw new RampartError('INPUT_INVALID', message, { cause })
  }
}

/** Fetches, and gives up after a time. */
export async function fetchWithin(
  waitMs: number,
  address: string,
  init: RequestInit = {},
): Promise<Response> {
  const late = new AbortController()
  const timer = systemRuntime.setTimer(waitMs, () => late.abort())
  try {
    return await fetch(address, { ...init, signal: late.signal })
  } finally {
    timer.cancel()
  }
}

// What an operator can do about refusals that say nothing about the request itself.
const adviceOfCode: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: ' Set RAMPART_TOKEN to a token with the role admin.',
  FORBIDDEN: ' Set RAMPART_TOKEN to a token with the role admin.',
  ROUTE_UNKNOWN: ` An app below a prefix is named with it: --url ${defaultUrl}/orders.`,
}

function reasonIn(answer: unknown, text: string): string {
  if (typeof answer !== 'object' || answer === null || !('code' in answer) || !('detail' in answer))
    return `${text.slice(0, 200)} This is no Rampart, or a proxy answers in its place.`
  return `${String(answer.detail)}${adviceOfCode[String(answer.code)] ?? ''}`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // An answer that is no JSON comes from something else than a server of ours, and is shown as it is.
    return undefined
  }
}
