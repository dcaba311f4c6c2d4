// Holds the reference of HTTP in step with what a server says of itself.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHost } from 'rampart/host'
import { describe, expect, test } from 'vitest'
import calculator from '../apps/calculator/src/app.ts'
import { readReference, rowsOf } from './architecture/reference.ts'

const plain = (cell = ''): string => cell.replaceAll('`', '')

describe('the routes', () => {
  test('are those of the OpenAPI document, with their statuses, and those for everybody', async () => {
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
