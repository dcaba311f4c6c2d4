// Proves each architecture check with planted violations, beside code that must pass.
import { describe, expect, test } from 'vitest'
import { checkApps } from './apps.ts'
import { checkArrows } from './arrows.ts'
import { checkDocumented, checkIndexes, entryPoints, publicNames } from './exports.ts'
import { checkPromises } from './promises.ts'
import { checkSizes } from './sizes.ts'
import { parseSource, type SourceFile } from './source.ts'
import { checkDefaultExport, checkPath, checkRuntime, checkTexts } from './words.ts'

const library = 'packages/rampart/src'

/** Sources of the library from pairs of path and text. */
function plant(files: Readonly<Record<string, string>>): readonly SourceFile[] {
  return Object.entries(files).map(([path, text]) => parseSource(`${library}/${path}`, text))
}

function plantApp(files: Readonly<Record<string, string>>): readonly SourceFile[] {
  return Object.entries(files).map(([path, text]) => parseSource(`apps/shop/${path}`, text))
}

const lines = (count: number, text = 'work()'): string => `${text}\n`.repeat(count)

describe('arrows', () => {
  const arrows = (path: string, specifier: string): readonly string[] =>
    checkArrows(plant({ [path]: `import { one } from '${specifier}'\none()\n` }))

  test.each([
    ['write/handle.ts', '../core/index.ts'],
    ['write/handle.ts', '../core/ports/index.ts'],
    ['write/handle.ts', './cache.ts'],
    ['write/cache.ts', 'lru-cache'],
    ['process/run.ts', '../write/index.ts'],
    ['sqlite/event-store.ts', 'node:sqlite'],
    ['gateway/reads/route.ts', '../problem.ts'],
    ['gateway/reads/route.ts', '../../projection/index.ts'],
    ['gateway/reads/route.ts', 'hono/streaming'],
    ['gateway/app.ts', './reads/index.ts'],
    ['host/run.ts', '../gateway/index.ts'],
    ['host/run.ts', 'node:http'],
    ['write/handle.test.ts', '../memory/index.ts'],
  ])('let %s import %s', (path, specifier) => {
    expect(arrows(path, specifier)).toEqual([])
  })

  test.each([
    ['core/events.ts', '../write/index.ts', 'core may not import write'],
    ['core/events.ts', 'zod', 'core may not import the package zod'],
    ['core/events.ts', 'node:crypto', 'core may not import the package node:crypto'],
    ['core/events.ts', 'fs', 'core may not import the package fs'],
    ['write/handle.ts', '../projection/index.ts', 'write may not import projection'],
    ['projection/run.ts', '../write/index.ts', 'projection may not import write'],
    ['memory/event-store.ts', '../sqlite/index.ts', 'memory may not import sqlite'],
    ['gateway/reads/route.ts', '../../write/index.ts', 'gateway/reads may not import write'],
    ['gateway/reads/route.ts', '../commands/index.ts', 'gateway/reads may not import gateway/commands'],
    ['gateway/reads/route.ts', '../index.ts', 'past the index of gateway'],
    ['gateway/app.ts', './reads/route.ts', 'past the index of gateway/reads'],
    ['host/run.ts', 'node:sqlite', 'host may not import the package node:sqlite'],
    ['host/run.ts', '../testing/index.ts', 'host may not import testing'],
    ['host/run.ts', '../core/events.ts', 'past the index of core'],
    ['client/client.ts', '../core/index.ts', 'client may import types of core only'],
    ['write/handle.ts', '../../../../bench/main.ts', 'outside of the library'],
    ['billing/index.ts', './bill.ts', 'the folder billing is not in the table'],
    ['main.ts', './core/index.ts', 'stands in no folder of the house'],
  ])('refuse that %s imports %s', (path, specifier, complaint) => {
    expect(arrows(path, specifier)).toEqual([expect.stringContaining(complaint)])
  })

  test.each([
    `export { one } from '../write/index.ts'`,
    `export * from '../write/index.ts'`,
    `import type { One } from '../write/index.ts'`,
    `const one: import('../write/index.ts').One = 1`,
    `const one = await import('../write/index.ts')`,
    `const worker = new URL('../write/index.ts', import.meta.url)`,
  ])('see an import in %s', (text) => {
    const found = checkArrows(plant({ 'core/one.ts': text }))
    expect(found).toEqual([expect.stringMatching(/one\.ts:1 core may not import write/)])
  })

  test('find a circle of files, once', () => {
    const found = checkArrows(
      plant({
        'core/one.ts': `import { two } from './two.ts'`,
        'core/two.ts': `import { three } from './three.ts'`,
        'core/three.ts': `import { one } from './one.ts'`,
        'core/four.ts': `import { one } from './one.ts'`,
      }),
    )
    expect(found).toEqual([expect.stringContaining('core/one.ts -> ')])
  })
})

describe('apps', () => {
  const rules = { entryPoints: ['rampart', 'rampart/host'] }

  test('may use entry points, other packages and their own files', () => {
    const files = plantApp({
      'src/app.ts': `import { app } from 'rampart/host'\nimport { z } from 'zod'\nimport { order } from './decider.ts'`,
      'src/projections.ts': `import { projection } from 'rampart'\nimport { orderEvents } from './events.ts'`,
      'src/events.ts': `import { events } from 'rampart'`,
      'src/decider.ts': `import { decider } from 'rampart'`,
      'test/server.ts': `import { run } from '../../../test/programs/server.ts'`,
    })
    expect(checkApps(files, rules)).toEqual([])
  })

  test.each([
    'rampart/write',
    '../../packages/rampart/src/core/index.ts',
    '@rampart/orders',
    '../calculator/app.ts',
    '../../test/programs/server.ts',
  ])('may not import %s', (specifier) => {
    const path = specifier.startsWith('.') ? 'app.ts' : 'src/app.ts'
    const found = checkApps(plantApp({ [path]: `import { one } from '${specifier}'` }), rules)
    expect(found).toEqual([expect.stringContaining('no public entry point')])
  })

  test('may not lead from a read side to a decider, whatever the files are called', () => {
    const files = plantApp({
      'src/pages.ts': `import { projection } from 'rampart'\nimport { line } from './lines.ts'`,
      'src/lines.ts': `import { order } from './rules.ts'`,
      'src/rules.ts': `import { decider } from 'rampart'`,
    })
    expect(checkApps(files, rules)).toEqual([expect.stringMatching(/pages\.ts.*lines\.ts.*rules\.ts/)])
  })
})

describe('sizes', () => {
  const sizes = (text: string, path = 'core/one.ts'): readonly string[] =>
    plant({ [path]: text }).flatMap(checkSizes)
  const code = (body: string): string => `export function one(): void {\n${body}}\n`

  test.each([
    ['a file of 300 lines', lines(300)],
    ['a file of 500 lines with a reason', `// size: one table of codes.\n${lines(499)}`],
    ['a function of 40 lines', code(lines(38))],
    ['a function of 70 lines with a reason', `// length: one transaction.\n${code(lines(68))}`],
    ['a line of 110 columns', `// ${'x'.repeat(107)}`],
    ['three parameters', 'export function one(a: 1, b: 2, c: 3): void {}'],
    ['five type parameters', 'export type One<A, B, C, D, E> = A | B | C | D | E'],
    ['nesting of three', code('if (a) {\nfor (;;) {\nif (b) {\nwork()\n}}}\n')],
    [
      'a chain of else if',
      code('if (a) work()\nelse if (b) work()\nelse if (c) work()\nelse if (d) work()\n'),
    ],
    ['callbacks that nest on their own', code('if (a) if (b) run(() => { if (c) if (d) work() })\n')],
    ['data of any length', `export const codes = [\n${lines(400, `  { code: 'A', status: -1 },`)}]\n`],
    ['a long text', `const text = \`\n${'x'.repeat(120)}\n${lines(60, 'select')}\`\n`],
  ])('allow %s', (_, text) => {
    expect(sizes(text)).toEqual([])
  })

  test.each([
    ['has 301 lines', lines(301)],
    ['has 501 lines', `// size: one table of codes.\n${lines(500)}`],
    ['has 302 lines', `${lines(20)}// size: too late.\n${lines(281)}`],
    ['the function has 41 lines', code(lines(39))],
    ['the function has 71 lines', `// length: one transaction.\n${code(lines(69))}`],
    ['the function has 41 lines', `// length: it is not above.\n\n${code(lines(39))}`],
    ['the line has 111 columns', `// ${'x'.repeat(108)}`],
    ['takes 4 parameters', 'export const one = (a: 1, b: 2, c: 3, d: 4): void => {}'],
    ['takes 4 parameters', 'export interface One { two(a: 1, b: 2, c: 3, d: 4): void }'],
    ['has 6 type parameters', 'export type One<A, B, C, D, E, F> = A | B | C | D | E | F'],
    ['is nested 4 deep', code('if (a) {\nfor (;;) {\ntry {\nif (b) work()\n} finally { work() }}}\n')],
    ['has 301 lines', `${lines(300)}const data = [one, two]\n`],
  ])('report what %s', (complaint, text) => {
    expect(sizes(text)).toEqual([expect.stringContaining(complaint)])
  })

  test('hold tests to the length of lines and files only', () => {
    expect(sizes(code(lines(400)), 'core/one.test.ts')).toEqual([])
    expect(sizes(lines(501), 'core/one.test.ts')).toEqual([expect.stringContaining('501 lines')])
  })
})

describe('exports', () => {
  const indexes = (text: string, folder = 'write'): readonly string[] =>
    checkIndexes(plant({ [`${folder}/index.ts`]: text }))
  const names = (count: number): string => Array.from({ length: count }, (_, index) => `n${index}`).join(', ')

  test('of an index are explicit lists, values and types apart', () => {
    expect(indexes(`export { one } from './one.ts'\nexport type { One } from './one.ts'`)).toEqual([])
    expect(indexes(`export { ${names(15)} } from './one.ts'`)).toEqual([])
    expect(indexes(`export { ${names(40)} } from './one.ts'`, 'core')).toEqual([])
  })

  test.each([
    [`export * from './one.ts'`, 'nothing but lists'],
    [`export const one = 1`, 'nothing but lists'],
    [`import { one } from './one.ts'`, 'nothing but lists'],
    [`export { one, type One } from './one.ts'`, 'types have a list of their own'],
    [`export { ${names(16)} } from './one.ts'`, 'exports 16 names; the limit is 15'],
  ])('of an index may not be %s', (text, complaint) => {
    expect(indexes(text)).toEqual([expect.stringContaining(complaint)])
  })

  test('of core are bounded, too', () => {
    expect(indexes(`export { ${names(41)} } from './one.ts'`, 'core')).toHaveLength(1)
  })

  const documented = (text: string): readonly string[] => {
    const index = `export { one as first } from './one.ts'\nexport type { One } from './two/index.ts'`
    const two = `export type { Two as One } from '../three.ts'`
    const files = plant({ 'core/index.ts': index, 'core/one.ts': text, 'core/two/index.ts': two })
    const three = plant({ 'core/three.ts': '/** The second. */\nexport interface Two {}' })
    return checkDocumented([...files, ...three], [`${library}/core/index.ts`])
  }

  test.each([
    '/** The first. */\nexport const one = 1',
    '/** The first. */\nexport function one(): void {}',
    '/** The first. */\nfunction one(): void {}\nexport { one }',
  ])('are documented in %s', (text) => {
    expect(documented(text)).toEqual([])
  })

  test.each([
    'export const one = 1',
    '// The first.\nexport const one = 1',
    '/** The zeroth. */\nexport const zero = 0\nexport const one = 1',
    'export {}',
  ])('are not documented in %s', (text) => {
    expect(documented(text)).toHaveLength(1)
  })

  test('are listed by name, and entry points by what an import says', () => {
    const [file] = plant({
      'core/index.ts': `export { b, a } from './a.ts'\nexport type { C } from './c.ts'`,
    })
    expect(publicNames(file)).toEqual(['a', 'b', 'type C'])
    const exports = { '.': { 'rampart-source': './src/core/index.ts' }, './package.json': './package.json' }
    const found = entryPoints('packages/rampart', { name: 'rampart', exports })
    expect([...found]).toEqual([['rampart', `${library}/core/index.ts`]])
  })
})

describe('promises', () => {
  const port = '// ES-1 All or nothing.\n// ES-2 Versions, as in ES-1.\n// ES-3 Later.\nexport {}'
  const check = (suite: string): readonly string[] =>
    checkPromises(
      plant({
        'core/ports/event-store.ts': port,
        'testing/index.ts': 'export {}',
        'testing/event-store-contract.ts': suite,
      }),
    )
  const pending = `export const pendingRules = [{ name: 'ES-3 later' }]`

  test('are proved by rules, or wait in the one table', () => {
    expect(check(`${pending}\nconst rules = [{ name: 'ES-1 a' }, { name: 'ES-2 b' }]`)).toEqual([])
  })

  test.each([
    ['the promise ES-2 has no rule', `${pending}\nconst rules = [{ name: 'ES-1 a' }]`],
    ['the rule ES-4 has no promise', `${pending}\nconst rules = ['ES-1 a', 'ES-2 b', 'ES-4 c']`],
    ['ES-3 is pending and proved', `${pending}\nconst rules = ['ES-1 a', 'ES-2 b', 'ES-3 c']`],
  ])('report that %s', (complaint, suite) => {
    expect(check(suite)).toEqual([expect.stringContaining(complaint)])
  })
})

describe('words', () => {
  const one = (text: string, path = 'core/one.ts'): SourceFile => parseSource(`${library}/${path}`, text)
  const halves = (...parts: readonly string[]): string => parts.join('')

  test.each([
    halves('// TO', 'DO later'),
    halves('const a = b as an', 'y'),
    halves('// @ts-ig', 'nore'),
    halves('test.on', 'ly(a, b)'),
    halves('describe.concurrent.sk', 'ip(a, b)'),
    halves('await vi.wait', 'For(a)'),
  ])('do not land: %s', (text) => {
    expect(checkTexts(one(text))).toHaveLength(1)
  })

  test('that only look alike may stay', () => {
    expect(checkTexts(one('// todos are fine\nconst many = has(any)\npages.skip(3)'))).toEqual([])
  })

  test('name folders and open files', () => {
    const role = '// What a stream is called; everyone uses it.'
    expect(checkPath(one(role))).toEqual([])
    expect(checkPath(one(`#!/usr/bin/env node\n${role}`))).toEqual([])
    expect(checkPath(parseSource('packages/rampart/test/types/a.test-d.ts', role))).toEqual([])
    expect(checkPath(one(role, 'utils/one.ts'))).toEqual([expect.stringContaining('folder name utils')])
    expect(checkPath(one('export {}'))).toEqual([expect.stringContaining('first line')])
  })

  test('are found on exports: only an app module has none', () => {
    expect(checkDefaultExport(one('export default 1'))).toHaveLength(1)
    expect(checkDefaultExport(one('const a = 1\nexport { a as default }'))).toHaveLength(1)
    expect(checkDefaultExport(parseSource('apps/shop/src/app.ts', 'export default 1'))).toEqual([])
  })
})

describe('the runtime', () => {
  const hidden = (text: string, path = `${library}/write/one.ts`): readonly string[] =>
    checkRuntime(parseSource(path, text))

  test.each([
    'Date.now()',
    'new Date()',
    'Date()',
    'performance.now()',
    'Math.random()',
    'setTimeout(work, 1)',
    'globalThis.setInterval(work, 1)',
    'setImmediate(work)',
    'crypto.randomUUID()',
    'crypto.getRandomValues(bytes)',
    'randomBytes(16)',
    'AbortSignal.timeout(5)',
    `import { sleep } from 'node:timers/promises'`,
  ])('is the only place for %s', (text) => {
    expect(hidden(text)).toHaveLength(1)
    expect(hidden(text, 'apps/shop/src/one.ts')).toHaveLength(1)
    expect(hidden(text, `${library}/core/runtime.ts`)).toEqual([])
    expect(hidden(text, `${library}/write/one.test.ts`)).toEqual([])
  })

  test.each([
    'new Date(ms)',
    'Date.parse(text)',
    'runtime.now()',
    '// Date.now() in a remark',
    'Math.max(1, 2)',
  ])('does not concern %s', (text) => {
    expect(hidden(text)).toEqual([])
  })
})
