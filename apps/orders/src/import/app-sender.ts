// Sends invoices to the app in its own process, with the same outcomes as over HTTP.
import { isRampartError, type ErrorCode, type Runtime } from 'rampart'
import type { StartedApp } from 'rampart/host'
import { importKey } from './import-key.ts'
import type { Invoice } from './invoice-file.ts'
import { patientWaitsMs, persist, type Attempt } from './persistence.ts'
import { outcomeOf, type Outcome } from './tally.ts'

const passingCodes: readonly ErrorCode[] = [
  'OUTCOME_UNKNOWN',
  'OVERLOADED',
  'RATE_LIMITED',
  'STORE_UNAVAILABLE',
  'STREAM_CONTENDED',
]

/** A function that sends one invoice; it throws when no attempt gets an outcome, and when the host drains. */
export function createAppSender(app: StartedApp, runtime: Runtime): (invoice: Invoice) => Promise<Outcome> {
  return (invoice) =>
    persist(`invoice ${invoice.number}`, () => sendOnce(app, invoice), {
      runtime,
      waitsMs: patientWaitsMs,
      signal: app.signal,
    })
}

async function sendOnce(app: StartedApp, invoice: Invoice): Promise<Attempt<Outcome>> {
  const { command: type, number: streamId, data } = invoice
  try {
    const status = await app.send({ type, streamId, data, key: importKey(invoice) })
    switch (status.status) {
      case 'succeeded':
        return { result: outcomeOf(invoice) }
      case 'refused':
      case 'failed':
        return { result: { refused: status.code } }
      case 'received':
        return { passing: 'it is not decided yet' }
    }
  } catch (fault) {
    if (isRampartError(fault, 'INPUT_INVALID')) return { result: { refused: 'INVALID' } }
    if (isRampartError(fault, 'IDEMPOTENCY_KEY_REUSED')) return { result: { refused: fault.code } }
    if (isRampartError(fault) && passingCodes.includes(fault.code)) return { passing: fault.message }
    throw fault
  }
}
