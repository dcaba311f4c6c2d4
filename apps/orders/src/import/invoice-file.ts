// Reads the shop's own export, a CSV with one row per order line, as invoices that are ready to be sent.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { parse } from 'csv-parse'
import type { Json } from 'rampart'
import { isoDay, scaledNumber } from './fields.ts'

const columns = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const
type Row = { readonly [column in (typeof columns)[number]]?: string }

/** Longest row, in characters, so that a file without line ends cannot fill the memory. */
const rowCharactersMax = 1_000_000

/** An invoice as the command that it becomes; what could not be read is in the data as its text. */
export interface Invoice {
  readonly number: string
  readonly command: 'PlaceOrder' | 'RecordReturn'
  readonly data: Json
  /** The products and the customer that it names. */
  readonly subjects: readonly string[]
}

/** A file of invoices. */
export interface InvoiceFile {
  /** How many invoices it holds. */
  readonly count: number
  /** Each invoice once, in the order of their last rows. */
  readonly invoices: () => AsyncIterable<Invoice>
}

/**
 * Opens a file. It is read twice: the first time counts the rows of each invoice, the second time hands an
 * invoice out as soon as its last row was seen. So rows of an invoice need not be adjacent, and memory
 * holds little more than one invoice when they are. The day, customer and country of an invoice are those
 * of its first row. Throws when the path is no regular file, a column is missing, or the text is no CSV.
 */
export async function openInvoiceFile(path: string): Promise<InvoiceFile> {
  // A pipe could be read once only, and would look empty the second time.
  const facts = await stat(path)
  if (!facts.isFile()) throw new Error(`${path} is not a regular file.`)
  if (facts.size === 0) throw new Error(`${path} is empty; its first row must name the columns.`)
  const rowsByNumber = new Map<string, number>()
  for await (const row of readRows(path)) {
    const number = field(row, 'InvoiceNo')
    rowsByNumber.set(number, (rowsByNumber.get(number) ?? 0) + 1)
  }
  return { count: rowsByNumber.size, invoices: () => groupRows(path, rowsByNumber) }
}

async function* groupRows(path: string, rowsByNumber: ReadonlyMap<string, number>): AsyncIterable<Invoice> {
  const open = new Map<string, Row[]>()
  for await (const row of readRows(path)) {
    const number = field(row, 'InvoiceNo')
    const rows = open.get(number) ?? []
    rows.push(row)
    open.set(number, rows)
    if (rows.length !== rowsByNumber.get(number)) continue
    open.delete(number)
    yield toInvoice(number, rows)
  }
}

function readRows(path: string): AsyncIterable<Row> {
  const parser = parse({
    bom: true,
    columns: (header: readonly string[]) => requireColumns(path, header),
    max_record_size: rowCharactersMax,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
  })
  // The parser carries every error to whoever iterates over it, so the callback has nothing to add.
  return pipeline(createReadStream(path), parser, () => {})
}

function requireColumns(path: string, header: readonly string[]): string[] {
  const names = header.map((name) => name.trim())
  const missing = columns.filter((column) => !names.includes(column))
  if (missing.length > 0) throw new Error(`${path} has no column ${missing.join(', ')}.`)
  return names
}

function toInvoice(number: string, rows: readonly Row[]): Invoice {
  const [first = {}] = rows
  const customerId = field(first, 'CustomerID')
  const lines = rows.map((row) => ({
    sku: field(row, 'StockCode'),
    description: field(row, 'Description'),
    quantity: scaledNumber(field(row, 'Quantity'), 0),
    unitPricePence: scaledNumber(field(row, 'UnitPrice'), 2),
  }))
  return {
    number,
    command: number.startsWith('C') ? 'RecordReturn' : 'PlaceOrder',
    data: {
      ...(customerId === '' ? {} : { customerId }),
      country: field(first, 'Country'),
      placedOn: isoDay(field(first, 'InvoiceDate')),
      lines,
    },
    subjects: [...new Set([`customer ${customerId}`, ...lines.map(({ sku }) => `product ${sku}`)])],
  }
}

function field(row: Row, column: keyof Row): string {
  return (row[column] ?? '').trim()
}
