// Sends invoices to a gateway over HTTP, each under an idempotency key of its own.
import type { Runtime } from 'rampart'
import { ask, type Answer } from './http.ts'
import { importKey } from './import-key.ts'
import type { Invoice } from './invoice-file.ts'
import { patientWaitsMs, persist, type Attempt } from './persistence.ts'
import { outcomeOf, type Outcome } from './tally.ts'

/** A gateway as an importer sees it. */
export interface Gateway {
  /** Its root, or the root of the orders app, without a slash at the end. */
  readonly base: string
  /** Sent as bearer, if there is one. */
  readonly token: string | undefined
  readonly runtime: Runtime
}

/** Some 3 s: a gateway that is not there at all should be reported soon. */
const firstWaitsMs = [200, 400, 800, 1_600]

/** Statuses that speak about this one invoice: it is invalid, or too large to be taken. */
const invalidStatuses: ReadonlySet<number> = new Set([400, 413, 431])

/**
 * Finds the orders app, which stands under `/orders` of a gateway with several apps, or at its root. Throws
 * when the gateway does not answer after several attempts, or has no such app.
 */
export async function findOrders(gateway: Gateway): Promise<string> {
  const { base, runtime } = gateway
  for (const address of [`${base}/orders`, base]) {
    const request = { url: `${address}/openapi.json`, headers: authorization(gateway) }
    const answer = await persist(base, () => ask(request, runtime), { runtime, waitsMs: firstWaitsMs })
    if (answer.status === 401 || answer.status === 403) throw unexpected(request.url, answer)
    const paths = answer.members['paths']
    if (Object.keys(Object(paths)).some((path) => path.endsWith('/commands/PlaceOrder'))) return address
  }
  throw new Error(`The gateway at ${base} has no orders app, neither under /orders nor at its root.`)
}

/** A function that sends one invoice to an orders app; it throws when no attempt gets an outcome. */
export function createHttpSender(gateway: Gateway, address: string): (invoice: Invoice) => Promise<Outcome> {
  const { runtime } = gateway
  return (invoice) => {
    const request = {
      url: `${address}/commands/${invoice.command}`,
      headers: {
        ...authorization(gateway),
        'content-type': 'application/json',
        'idempotency-key': importKey(invoice),
      },
      body: JSON.stringify({ streamId: invoice.number, data: invoice.data }),
    }
    const attempt = async (): Promise<Attempt<Outcome>> => {
      const answered = await ask(request, runtime)
      return 'result' in answered ? judge(invoice, request.url, answered.result) : answered
    }
    return persist(`invoice ${invoice.number}`, attempt, { runtime, waitsMs: patientWaitsMs })
  }
}

function judge(invoice: Invoice, url: string, answer: Answer): Attempt<Outcome> {
  const { status, members } = answer
  const { code } = members
  if (status === 200) return { result: outcomeOf(invoice) }
  // Accepted and not decided yet: the same key asks for the outcome again.
  if (status === 202) return { passing: `${url} has not decided yet` }
  if (invalidStatuses.has(status)) return { result: { refused: 'INVALID' } }
  if ((status === 409 || status === 422) && typeof code === 'string') return { result: { refused: code } }
  throw unexpected(url, answer)
}

function authorization({ token }: Gateway): { readonly authorization?: string } {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

function unexpected(url: string, { status, members }: Answer): Error {
  const detail = typeof members['detail'] === 'string' ? `: ${members['detail']}` : ''
  return new Error(`${url} answers ${status}${detail}`)
}
