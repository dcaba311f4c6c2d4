// Holds the reference of HTTP and of errors in step with what a server says of itself.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCodes } from 'rampart'
import { startHost } from 'rampart/host'
import { describe, expect, test } from 'vitest'
import calculator from '../apps/calculator/src/app.ts'
import { statusOf } from '../packages/rampart/src/gateway/problem.ts'
import { readReference, rowsOf } from './architecture/reference.ts'
import { isTest, readWorkspace } from './architecture/source.ts'

const plain = (cell = ''): string => cell.replaceAll('`', '')

describe('the routes', () => {
  test('are those of the OpenAPI document, with their statuses', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rampart-reference-'))
    try {
      await using host = await startHost({
        mounts: [{ prefix: '', app: calculator }],
        environment: { PORT: '0', RAMPART_DATA: folder },
      })
      const rows = rowsOf(readReference('http.md').text).filter(([method = '']) =>
        /^[A-Z]{3,6}$/.test(method),
      )
      const routes = rows.filter(([, , statuses = '']) => /^[\d ]+$/.test(statuses))
      const described = new Set(
        routes.map(([method, path, statuses]) => `${method} ${plain(path)} ${statuses}`),
      )
      // The gateway's own tests hold the document to its form.
      const document = (await (await fetch(`${host.url}/openapi.json`)).json()) as Document
      expect(described).toEqual(new Set(operationsOf(document)))
      const others = rows.filter((row) => !routes.includes(row))
      expect(others.length).toBeGreaterThan(4)
      const answers = await Promise.all(others.map(([, path]) => fetch(`${host.url}${plain(path)}`)))
      expect(answers.map(({ status }) => status)).toEqual(others.map(() => 200))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('the errors', () => {
  const rows = rowsOf(readReference('errors.md').text).filter(([code = '']) => /^`[A-Z_]+`$/.test(code))
  const faults = rows.filter(({ length }) => length === 5)

  test('have a row for each code, with its status and its effect', () => {
    expect(new Set(faults.map(([code]) => plain(code)))).toEqual(new Set(errorCodes))
    expect(faults).toHaveLength(errorCodes.length)
    for (const [code, status] of faults) expect([code, Number(status)]).toEqual([code, statusOf(plain(code))])
    const sources = readWorkspace().filter(({ path }) => path.startsWith('packages/') && !isTest(path))
    const thrown = sources.flatMap(({ text }) =>
      Array.from(text.matchAll(/'([A-Z_]+)', \w+, \{[^}]*effect: 'unknown'/g), ([, code]) => code),
    )
    // A defect may show before or after something was stored.
    const unknown = new Set([...thrown, 'INTERNAL'])
    const described = faults.filter(([, , effect]) => effect === 'unknown').map(([code]) => plain(code))
    expect(new Set(described)).toEqual(unknown)
    expect(faults.every(([, , effect]) => effect === 'unknown' || effect === 'definite')).toBe(true)
  })

  test('have a row for each code that stands in statuses only', () => {
    const statuses = rows.filter(({ length }) => length === 3).map(([code]) => plain(code))
    const worker = readWorkspace().find(({ path }) => path.endsWith('write/inbox-worker.ts'))?.text ?? ''
    const buried = Array.from(worker.matchAll(/code: '([A-Z]+(?:_[A-Z]+)+)'/g), ([, code = '']) => code)
    expect(statuses).toEqual(buried.filter((code) => !errorCodes.some((known) => known === code)))
  })
})

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses?: object }>>>>
}

function operationsOf({ paths }: Document): readonly string[] {
  // Every app has these; routes of an app's own are its own matter.
  const everywhere = Object.entries(paths).filter(([path]) => /^\/(commands|reads|admin)\//.test(path))
  return everywhere.flatMap(([path, methods]) => {
    const general = path
      .replace(/^\/commands\/[A-Z]\w*/, '/commands/{Type}')
      .replace(/^\/reads\/values/, '/reads/{projection}')
    return Object.entries(methods).flatMap(([method, { responses }]) =>
      responses === undefined
        ? []
        : [`${method.toUpperCase()} ${general} ${Object.keys(responses).join(' ')}`],
    )
  })
}
