// Reading exports: the real one, and what other slices of it or careless hands may hold.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openInvoiceFile, type Invoice } from './invoice-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-invoices-'))
afterAll(() => rmSync(folder, { recursive: true }))

const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'

async function read(text: string): Promise<{ count: number; invoices: Invoice[] }> {
  const path = join(folder, 'orders.csv')
  writeFileSync(path, text)
  const file = await openInvoiceFile(path)
  const invoices: Invoice[] = []
  for await (const invoice of file.invoices()) invoices.push(invoice)
  return { count: file.count, invoices }
}

test('gathers the rows of an invoice, trimmed, as one command', async () => {
  const rows = [
    ' 536365 , 85123A ," WHITE ""HEART"", SMALL ", 6 ,1/12/2010, 2.55 , 17850 , United Kingdom ',
    '536365,POST,,1,1/12/2010,18,17850,United Kingdom',
    'C536379,D,Discount,-1,1/12/2010,27.5,,United Kingdom',
  ]
  const { count, invoices } = await read(`\u{feff}${header}\r\n${rows.join('\r\n')}\r\n\r\n,,,,,,,\r\n`)
  expect(count).toBe(2)
  expect(invoices).toMatchObject([
    {
      number: '536365',
      command: 'PlaceOrder',
      data: {
        customerId: '17850',
        country: 'United Kingdom',
        placedOn: '2010-12-01',
        lines: [
          { sku: '85123A', description: 'WHITE "HEART", SMALL', quantity: 6, unitPricePence: 255 },
          { sku: 'POST', description: '', quantity: 1, unitPricePence: 1800 },
        ],
      },
    },
    { number: 'C536379', command: 'RecordReturn', data: { placedOn: '2010-12-01' } },
  ])
  expect(invoices[1]?.data).not.toHaveProperty('customerId')
})

test('keeps an invoice whole when its rows are not adjacent', async () => {
  const row = (number: string, sku: string) => `${number},${sku},X,1,1/12/2010,1,,EIRE`
  const { invoices } = await read([header, row('1', 'A'), row('2', 'B'), row('1', 'C'), ''].join('\n'))
  expect(invoices.map(({ number }) => number)).toEqual(['2', '1'])
  expect(invoices[1]?.data).toMatchObject({ lines: [{ sku: 'A' }, { sku: 'C' }] })
})

test('takes columns in any order, with others between them', async () => {
  const { invoices } = await read(
    'Country,Note,UnitPrice,InvoiceNo,Quantity,StockCode,CustomerID,InvoiceDate,Description\n' +
      'EIRE,x,1.5,7,2,A,9,31/1/2011 08:26,CUP\n',
  )
  expect(invoices[0]?.data).toEqual({
    customerId: '9',
    country: 'EIRE',
    placedOn: '2011-01-31',
    lines: [{ sku: 'A', description: 'CUP', quantity: 2, unitPricePence: 150 }],
  })
})

test('passes on as text what it cannot read, and rows that end too early', async () => {
  const { invoices } = await read(
    `${header}\n1,A,CUP,six,yesterday,0.001,,EIRE\n2,A,5" CUP,1,1/12/2010,1.5,,EIRE,more,fields\n3,A\n`,
  )
  expect(invoices[0]?.data).toMatchObject({
    placedOn: 'yesterday',
    lines: [{ quantity: 'six', unitPricePence: '0.001' }],
  })
  expect(invoices[1]?.data).toMatchObject({ lines: [{ description: '5" CUP', unitPricePence: 150 }] })
  expect(invoices[2]?.data).toMatchObject({ lines: [{ sku: 'A', quantity: '' }], country: '' })
})

test('says what is wrong with a file that holds no invoices', async () => {
  await expect(read('a,b\n1,2\n')).rejects.toThrow(/has no column InvoiceNo, StockCode/)
  await expect(read('')).rejects.toThrow(/is empty/)
  await expect(read(`${header}\n1,A,"never closed,1,1/12/2010,1,,EIRE\n`)).rejects.toThrow(/[Qq]uot/)
  await expect(openInvoiceFile(join(folder, 'absent.csv'))).rejects.toThrow(/ENOENT.*absent\.csv/)
  await expect(openInvoiceFile(folder)).rejects.toThrow(/is not a regular file/)
})
