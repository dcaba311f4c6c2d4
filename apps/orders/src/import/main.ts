// `npm run import:orders -- FILE.csv [--base URL]`: sends the shop's own export to a running gateway.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemRuntime } from 'rampart'
import { createHttpSender, findOrders } from './http-sender.ts'
import { importInvoices } from './import-invoices.ts'
import { openInvoiceFile } from './invoice-file.ts'
import { reportLines } from './tally.ts'

const usage = `Usage: npm run import:orders -- FILE.csv [--base URL]

Sends every invoice of FILE.csv to the orders app and prints how many were placed, returned and refused.
An import may be repeated: each invoice takes effect once.

  --base URL   the gateway's root (default http://127.0.0.1:3000)

RAMPART_TOKEN, if set, is sent as bearer.
`

interface Arguments {
  readonly path: string
  readonly base: string
}

const chosen = readArguments(process.argv.slice(2))
if (typeof chosen === 'string') {
  process.stderr.write(`${chosen}\n\n${usage}`)
  process.exitCode = 2
} else {
  await run(chosen)
}

async function run({ path, base }: Arguments): Promise<void> {
  const gateway = { base, token: process.env['RAMPART_TOKEN'] || undefined, runtime: systemRuntime }
  try {
    const file = await openInvoiceFile(path)
    const send = createHttpSender(gateway, await findOrders(gateway))
    const tally = await importInvoices(file, { send, label: 'import', runtime: systemRuntime })
    process.stdout.write(`${reportLines(tally).join('\n')}\n`)
  } catch (fault) {
    process.stderr.write(`The import failed: ${fault instanceof Error ? fault.message : String(fault)}\n`)
    process.exitCode = 1
  }
}

/** What the caller asked for, or what is wrong with it. */
function readArguments(args: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { base: { type: 'string', default: 'http://127.0.0.1:3000' } },
      allowPositionals: true,
    })
    const [file, ...others] = positionals
    if (file === undefined || others.length > 0) return 'Name exactly one file.'
    const base = URL.parse(values.base)
    if (base === null || !/^https?:$/.test(base.protocol)) return `${values.base} is no http address.`
    // npm runs scripts in the workspace's root; the caller's own folder is in INIT_CWD.
    const path = resolve(process.env['INIT_CWD'] ?? '.', file)
    return { path, base: `${base.origin}${base.pathname}`.replace(/\/+$/, '') }
  } catch (fault) {
    return fault instanceof Error ? fault.message : String(fault)
  }
}
