// Imports the sample on the first start of the app, in process, while the app serves already.
import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemRuntime } from 'rampart'
import type { StartedApp } from 'rampart/host'
import { createAppSender } from './import/app-sender.ts'
import { importInvoices } from './import/import-invoices.ts'
import { openInvoiceFile } from './import/invoice-file.ts'
import { reportLines } from './import/tally.ts'

const samplePath = fileURLToPath(new URL('../sample/online-retail.csv', import.meta.url))

/**
 * Lies in the app's data folder from before the first invoice until after the last one, so that a start
 * that was killed in the middle is told from a store that holds other data. The keys of the invoices do the
 * rest.
 */
const markName = 'sample-import-unfinished'

/**
 * Imports the sample into an empty store, or goes on with an import that an earlier start did not finish.
 * Does nothing in a store with other data, and with `RAMPART_SAMPLE=none`.
 */
export async function importSample(app: StartedApp): Promise<void> {
  if (process.env['RAMPART_SAMPLE'] === 'none') return
  const mark = app.dataFolder === null ? undefined : join(app.dataFolder, markName)
  const isUnfinished = mark !== undefined && (await exists(mark))
  if (!isUnfinished && !(await app.isEmpty())) return
  if (mark !== undefined && !isUnfinished) await createDurably(mark)
  try {
    const send = createAppSender(app, systemRuntime)
    const file = await openInvoiceFile(samplePath)
    const tally = await importInvoices(file, { send, label: 'sample orders', runtime: systemRuntime })
    if (mark !== undefined) await rm(mark)
    const report = reportLines(tally).map((line) => line.trim())
    process.stderr.write(`sample orders: ${report.join(', ')}\n`)
  } catch (fault) {
    // A host that drains stops the import on purpose; the next start goes on.
    if (!app.signal.aborted) throw fault
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

// The mark must not be younger than the first event after a power failure, so file and folder are synced.
async function createDurably(path: string): Promise<void> {
  await using file = await open(path, 'w')
  await file.sync()
  await using folder = await open(join(path, '..'), 'r')
  await folder.sync()
}
