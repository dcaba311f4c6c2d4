// What an import of an export file must come to, computed from the text of the file on a way of its own.
import { readFileSync } from 'node:fs'

/** Sums and documents that the read models must agree with. */
export interface Expected {
  readonly placed: number
  readonly placedPence: bigint
  readonly returned: number
  readonly returnedPence: bigint
  readonly refused: number
  /** Documents by read model and key. */
  readonly documents: Readonly<Record<string, ReadonlyMap<string, unknown>>>
}

interface Invoice {
  readonly number: string
  readonly rows: readonly (readonly string[])[]
  readonly pence: bigint
  readonly isReturn: boolean
}

/** Reads a file whose rows are all well-formed, in the order of their invoices. */
export function expectedOf(path: string): Expected {
  const rowsByNumber = new Map<string, string[][]>()
  for (const line of readFileSync(path, 'utf8').split('\n').slice(1)) {
    const row = splitRow(line).map((field) => field.trim())
    const [number = ''] = row
    if (number !== '') rowsByNumber.set(number, [...(rowsByNumber.get(number) ?? []), row])
  }
  const invoices = [...rowsByNumber].map(([number, rows]) => toInvoice(number, rows))
  const accepted = invoices.filter(({ isReturn, rows }) =>
    rows.every((row) => (isReturn ? Number(row[3]) < 0 : Number(row[3]) > 0)),
  )
  const orders = accepted.filter(({ isReturn }) => !isReturn)
  const returns = accepted.filter(({ isReturn }) => isReturn)
  return {
    placed: orders.length,
    placedPence: sum(orders),
    returned: returns.length,
    returnedPence: -sum(returns),
    refused: invoices.length - accepted.length,
    documents: {
      order: new Map(accepted.map((invoice) => [invoice.number, orderPage(invoice)])),
      'customer-orders': customerOrders(accepted),
      'sales-by-day': salesByDay(accepted),
      products: products(orders),
    },
  }
}

function splitRow(line: string): string[] {
  const fields = line.replace(/\r$/, '').matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)
  return [...fields].map(([, inQuotes, plain]) => inQuotes?.replaceAll('""', '"') ?? plain ?? '')
}

function penceOf(price: string): bigint {
  const [pounds = '0', fraction = ''] = price.split('.')
  return BigInt(pounds) * 100n + BigInt(fraction.padEnd(2, '0'))
}

function toInvoice(number: string, rows: readonly string[][]): Invoice {
  const pence = rows.map((row) => BigInt(row[3] ?? '') * penceOf(row[5] ?? ''))
  const total = pence.reduce((one, other) => one + other, 0n)
  return { number, rows, pence: total, isReturn: number.startsWith('C') }
}

function sum(invoices: readonly Invoice[]): bigint {
  return invoices.reduce((total, { pence }) => total + pence, 0n)
}

function statusOf({ isReturn }: Invoice): string {
  return isReturn ? 'returned' : 'placed'
}

function dayOf({ rows }: Invoice): string {
  const [day = '', month = '', year = ''] = rows[0]?.[4]?.split('/') ?? []
  return [year, month.padStart(2, '0'), day.padStart(2, '0')].join('-')
}

function customerOf({ rows }: Invoice): string {
  return rows[0]?.[6] ?? ''
}

function orderPage(invoice: Invoice): unknown {
  const customerId = customerOf(invoice)
  return {
    status: statusOf(invoice),
    totalPence: Number(invoice.pence),
    country: invoice.rows[0]?.[7],
    placedOn: dayOf(invoice),
    ...(customerId === '' ? {} : { customerId }),
    lines: invoice.rows.map(([, sku, description, quantity, , price]) => ({
      sku,
      description,
      quantity: Number(quantity),
      unitPricePence: Number(penceOf(price ?? '')),
    })),
  }
}

function customerOrders(invoices: readonly Invoice[]): ReadonlyMap<string, unknown> {
  const byCustomer = Map.groupBy(invoices, customerOf)
  byCustomer.delete('')
  return new Map(
    [...byCustomer].map(([customer, theirs]) => [
      customer,
      {
        orders: theirs.map((invoice) => ({
          number: invoice.number,
          status: statusOf(invoice),
          totalPence: Number(invoice.pence),
        })),
      },
    ]),
  )
}

function salesByDay(invoices: readonly Invoice[]): ReadonlyMap<string, unknown> {
  return new Map(
    [...Map.groupBy(invoices, dayOf)].map(([day, ofDay]) => {
      const { placed = [], returned = [] } = Object.groupBy(ofDay, statusOf)
      return [
        day,
        {
          orders: placed.length,
          salesPence: Number(sum(placed)),
          returns: returned.length,
          returnsPence: -Number(sum(returned)),
        },
      ]
    }),
  )
}

function products(orders: readonly Invoice[]): ReadonlyMap<string, unknown> {
  const rows = orders.flatMap((order) => order.rows)
  return new Map(
    [...Map.groupBy(rows, (row) => row[1] ?? '')].map(([sku, ofSku]) => [
      sku,
      {
        description: ofSku.findLast((row) => row[2] !== '')?.[2] ?? '',
        quantitySold: ofSku.reduce((total, row) => total + Number(row[3]), 0),
      },
    ]),
  )
}
