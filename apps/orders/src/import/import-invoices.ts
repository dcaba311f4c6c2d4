// Sends invoices, several at a time, in an order that leaves the same read models every time.
import type { Runtime } from 'rampart'
import type { Invoice, InvoiceFile } from './invoice-file.ts'
import { createProgress } from './progress.ts'
import { count, createTally, type Outcome, type Tally } from './tally.ts'

/** How many invoices are under way at one time. */
const inFlightMax = 8

/** What an import works with. */
export interface ImportParts {
  /** Sends one invoice and tells what became of it; throws when nobody can tell. */
  readonly send: (invoice: Invoice) => Promise<Outcome>
  /** Says in the progress on stderr what is imported. */
  readonly label: string
  readonly runtime: Runtime
}

/**
 * Sends every invoice of a file once. Invoices that name the same product or customer are sent one after
 * the other, in the order of the file, because read models depend on that order (the newest description of
 * a product, the list of a customer's orders); others overlap. Stops at the first one that cannot be sent,
 * and throws its fault.
 */
export async function importInvoices(file: InvoiceFile, parts: ImportParts): Promise<Tally> {
  const { send, label, runtime } = parts
  using progress = createProgress(process.stderr, { label, total: file.count, runtime })
  const tally = createTally()
  const inFlight = new Set<Promise<void>>()
  const lastOfSubject = new Map<string, Promise<void>>()
  const faults: unknown[] = []
  const sendAfter = async (earlier: readonly Promise<void>[], invoice: Invoice) => {
    await Promise.all(earlier)
    if (faults.length > 0) return
    try {
      count(tally, await send(invoice))
      progress.show(tally)
    } catch (fault) {
      faults.push(fault)
    }
  }
  for await (const invoice of file.invoices()) {
    if (faults.length > 0) break
    if (inFlight.size >= inFlightMax) await Promise.race(inFlight)
    const earlier = invoice.subjects.flatMap((subject) => lastOfSubject.get(subject) ?? [])
    const sent = sendAfter(earlier, invoice).finally(() => {
      inFlight.delete(sent)
      for (const subject of invoice.subjects)
        if (lastOfSubject.get(subject) === sent) lastOfSubject.delete(subject)
    })
    inFlight.add(sent)
    for (const subject of invoice.subjects) lastOfSubject.set(subject, sent)
  }
  await Promise.all(inFlight)
  if (faults.length > 0) throw faults[0]
  return tally
}
