// What an import sends, in which order and how much at a time, with a receiver that decides on the spot.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { refuse, systemRuntime, type Ask, type DecidedEvent, type Json, type Recorded } from 'rampart'
import { validate } from 'rampart/codec'
import { afterAll, expect, test } from 'vitest'
import { expectedOf } from '../../test/expected.ts'
import { foldFromNothing } from '../../test/fold.ts'
import { orders } from '../context.ts'
import { order } from '../order/decider.ts'
import { importInvoices } from './import-invoices.ts'
import { openInvoiceFile, type Invoice, type InvoiceFile } from './invoice-file.ts'
import { outcomeOf, reportLines, type Outcome } from './tally.ts'

const samplePath = join(import.meta.dirname, '../../sample/online-retail.csv')
const folder = mkdtempSync(join(tmpdir(), 'rampart-import-'))
afterAll(() => rmSync(folder, { recursive: true }))

function fileOf(invoices: readonly Invoice[]): InvoiceFile {
  return {
    count: invoices.length,
    async *invoices() {
      yield* invoices
    },
  }
}

function invoice(number: string, subjects: readonly string[]): Invoice {
  return { number, command: 'PlaceOrder', data: {}, subjects }
}

/** Decides each invoice by the rules of orders, each on a stream of its own. */
function createReceiver(): { send: (invoice: Invoice) => Promise<Outcome>; recorded: Recorded[] } {
  const recorded: Recorded[] = []
  const { state, commands } = order.definition
  return {
    recorded,
    async send(invoice) {
      const { number: id, command, data } = invoice
      const definition = commands[command]
      if (definition === undefined || 'faults' in validate<Json>(definition.schema, data))
        return { refused: 'INVALID' }
      const ask: Ask = { id, commandId: id, actor: null, receivedAt: '2026-01-01T00:00:00.000Z', refuse }
      const decision = definition.decide(state.initial(), data, ask)
      if ('refused' in decision) return { refused: decision.refused }
      const event = decision as DecidedEvent
      const position = recorded.length + 1
      recorded.push({ ...event, id, version: 1, position, recordedAt: ask.receivedAt })
      // Answers come back out of order, as they do from a server.
      await new Promise((resolve) => setTimeout(resolve, position % 3))
      return outcomeOf(invoice)
    },
  }
}

const parts = { label: 'test', runtime: systemRuntime }

test('brings the sample into the read models to the penny', async () => {
  const { send, recorded } = createReceiver()
  const tally = await importInvoices(await openInvoiceFile(samplePath), { ...parts, send })
  expect(reportLines(tally)).toEqual(['placed 297', 'returned 33', 'refused 2', '  QUANTITY_NOT_POSITIVE 2'])
  const expected = expectedOf(samplePath)
  expect(expected).toMatchObject({ placed: 297, returned: 33, refused: 2 })
  expect([expected.placedPence, expected.returnedPence]).toEqual([12_334_089n, 309_833n])
  for (const projection of orders.projections)
    expect(foldFromNothing(projection, recorded)).toEqual(expected.documents[projection.name])
})

test('counts invoices that cannot be read as invalid and goes on', async () => {
  const path = join(folder, 'dirty.csv')
  const rows = [
    'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
    '1,A,CUP,1,1/12/2010,1.50,,EIRE',
    '2,A,CUP,1,31/2/2010,1.50,,EIRE',
    '3,A,CUP,1,1/12/2010,0.001,,EIRE',
    '4,A,CUP,many,1/12/2010,1.50,,EIRE',
    '5,,CUP,1,1/12/2010,1.50,,EIRE',
    'A6,B,Adjust bad debt,1,1/12/2010,-11062.06,,EIRE',
    'C7,A,CUP,-1,1/12/2010,1.50,,EIRE',
    'C8,A,CUP,1,1/12/2010,1.50,,EIRE',
  ]
  writeFileSync(path, rows.join('\n'))
  const tally = await importInvoices(await openInvoiceFile(path), { ...parts, send: createReceiver().send })
  expect(reportLines(tally)).toEqual([
    'placed 1',
    'returned 1',
    'refused 6',
    '  INVALID 5',
    '  QUANTITY_NOT_NEGATIVE 1',
  ])
})

test('overlaps invoices, at most eight, and keeps the order of those that share a subject', async () => {
  const invoices = Array.from({ length: 60 }, (_, index) =>
    invoice(String(index), index % 3 === 0 ? ['product A'] : [`product ${index}`]),
  )
  let inFlight = 0
  let inFlightMost = 0
  const sent: number[] = []
  const send = async ({ number }: Invoice): Promise<Outcome> => {
    inFlight += 1
    inFlightMost = Math.max(inFlightMost, inFlight)
    await new Promise((resolve) => setTimeout(resolve, Number(number) % 5))
    inFlight -= 1
    sent.push(Number(number))
    return 'placed'
  }
  const tally = await importInvoices(fileOf(invoices), { ...parts, send })
  expect(tally.placed).toBe(60)
  expect(inFlightMost).toBeGreaterThan(2)
  expect(inFlightMost).toBeLessThanOrEqual(8)
  const sharing = sent.filter((number) => number % 3 === 0)
  expect(sharing).toEqual(sharing.toSorted((one, other) => one - other))
})

test('stops at an invoice that cannot be sent', async () => {
  const sent: string[] = []
  const send = async ({ number }: Invoice): Promise<Outcome> => {
    sent.push(number)
    if (number === '3') throw new Error('The gateway is gone.')
    return 'placed'
  }
  const invoices = Array.from({ length: 30 }, (_, index) => invoice(String(index), ['product A']))
  await expect(importInvoices(fileOf(invoices), { ...parts, send })).rejects.toThrow('The gateway is gone.')
  expect(sent).toEqual(['0', '1', '2', '3'])
})
