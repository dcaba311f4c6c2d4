// One HTTP request and its answer, with a time limit, and with faults that pass told from those that stay.
import type { Runtime } from 'rampart'
import type { Attempt } from './persistence.ts'

/** Longest wait for one answer; a gateway waits 10 s at most for the outcome of a command. */
const answerMsMax = 30_000

const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504])

/** An answer that is final. */
export interface Answer {
  readonly status: number
  /** The members of the body; none when it is no JSON object. */
  readonly members: Readonly<Record<string, unknown>>
}

/** A request; a body makes it a POST. */
export interface Request {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Sends a request once. */
export async function ask({ url, headers, body }: Request, runtime: Runtime): Promise<Attempt<Answer>> {
  const limit = new AbortController()
  const late = new Error(`no answer within ${answerMsMax} ms`)
  const timer = runtime.setTimer(answerMsMax, () => limit.abort(late))
  try {
    const method = body === undefined ? 'GET' : 'POST'
    const response = await fetch(url, {
      method,
      headers,
      signal: limit.signal,
      ...(body === undefined ? {} : { body }),
    })
    const members = membersOf(await response.text())
    const { status } = response
    if (!passingStatuses.has(status)) return { result: { status, members } }
    return { passing: `${url} answers ${status}`, ...waitOf(response.headers.get('retry-after')) }
  } catch (fault) {
    return { passing: `${url} cannot be reached (${reasonOf(fault)})` }
  } finally {
    timer.cancel()
  }
}

function membersOf(text: string): Answer['members'] {
  try {
    const parsed: unknown = JSON.parse(text)
    // A JSON object has members of any kind, which is what the type says.
    return typeof parsed === 'object' && parsed !== null ? (parsed as Answer['members']) : {}
  } catch {
    // What is no JSON has no members; the status still counts.
    return {}
  }
}

function waitOf(retryAfter: string | null): { readonly waitMs?: number } {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? { waitMs: Number(retryAfter) * 1000 } : {}
}

// fetch hides the reason of a network fault in the cause of its error, which may gather one per address.
function reasonOf(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault)
  if (fault.cause instanceof AggregateError) return fault.cause.errors.map(reasonOf).join('; ')
  return fault.cause === undefined ? fault.message : reasonOf(fault.cause)
}
