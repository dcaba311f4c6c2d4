// Carries out what README.md and docs/ show, as a reader would: files, programs, commands and their answers.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { differenceOf } from './docs/answer.ts'
import { blocksOf, readPages, statesOf, workspaceRoot } from './docs/page.ts'
import { carryOut } from './docs/session.ts'

const run = promisify(execFile)
const pages = await readPages()
const shownPages = pages.filter(({ blocks }) => blocks.some(({ leftOut }) => leftOut === undefined))

/** Pages start servers and wait for them, and a busy machine is slow. */
const shownMsMax = 120_000

describe.concurrent('what a page shows happens', () => {
  test.each(shownPages)(
    '$path',
    async (page) => {
      expect(await carryOut(page)).toBeUndefined()
    },
    shownMsMax,
  )
})

test('all TypeScript that is shown compiles', { timeout: shownMsMax }, async () => {
  // Below the root, so that the packages that a page imports are found.
  const folder = await mkdtemp(join(workspaceRoot, 'test', '.shown-types-'))
  try {
    const config = { extends: '../../tsconfig.json', include: ['**/*.ts'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const files = pages.flatMap((page) =>
      statesOf(page).flatMap((state, index) =>
        Array.from(state, ([name, code]) => [join(folder, `${page.path}-${index}`, name), code] as const),
      ),
    )
    for (const [path, code] of files) {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, code)
    }
    const compiled = run(join(workspaceRoot, 'node_modules/.bin/tsc'), ['-p', folder])
    await expect(compiled).resolves.toEqual({ stdout: '', stderr: '' })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('nothing is left out without a reason', () => {
  const leftOut = pages.flatMap(({ path, blocks }) =>
    blocks.flatMap((block) => (block.leftOut === undefined ? [] : [`${path}: ${block.leftOut}`])),
  )
  expect(leftOut).toMatchInlineSnapshot(`
    [
      "ARCHITECTURE.md: a drawing",
      "ARCHITECTURE.md: a drawing",
      "README.md: it would run this very test",
      "docs/guides/backup.md: it needs psql",
      "docs/guides/postgres.md: it needs a database called shop",
    ]
  `)
})

test('every link leads to a file, and to a heading in it', async () => {
  const texts = await Promise.all(pages.map(({ path }) => readFile(join(workspaceRoot, path), 'utf8')))
  const linked = pages.flatMap(({ path }, index) =>
    Array.from((texts[index] ?? '').matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g), (match) => {
      const [, file = '', heading] = match
      return { from: path, to: file === '' ? path : join(dirname(path), file), heading }
    }),
  )
  expect(linked.length).toBeGreaterThan(30)
  const broken = linked.filter(({ to, heading }) => {
    if (heading === undefined) return !existsSync(join(workspaceRoot, to))
    const text = texts[pages.findIndex(({ path }) => path === to)] ?? ''
    return !Array.from(text.matchAll(/^#+ (.*)$/gm), ([, title = '']) => anchorOf(title)).includes(heading)
  })
  expect(broken).toEqual([])
})

/** The anchor that a heading gets where pages are shown. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

describe('the check of what is shown', () => {
  test.each([
    ['text', 'one\ntwo', 'one\ntwo\n', true],
    ['text', 'one …\n…\nlast', 'one 1\nx\ny\nlast', true],
    ['text', 'one\ntwo', 'one\ntwo\nthree', false],
    ['text', 'a.c', 'abc', false],
    ['json', '{ "a": …, "b": "019…" }', '{"a":7,"b":"0190"}', true],
    ['json', '{ "a": 1, … }', '{"a":1,"b":2}', true],
    ['json', '{ "a": [1, …] }', '{"a":[1,2,3]}', true],
    ['json', '{ "a": 1 }', '{"a":1,"b":2}', false],
    ['json', '{ "a": 1, "b": … }', '{"a":1}', false],
    ['json', '{ "a": "1" }', '{"a":1}', false],
    ['json', '{ "a": [1] }', '{"a":[1,2]}', false],
    ['json', '{}', 'Not found', false],
    ['http', 'HTTP/1.1 200 OK\netag: "…"', 'HTTP/1.1 200 OK\r\nvary: x\r\netag: "3"\r\n\r\n{}', true],
    ['http', 'HTTP/1.1 200 OK\n\n{ "a": 1 }', 'HTTP/1.1 200 OK\r\n\r\n{"a":2}', false],
    ['http', 'HTTP/1.1 200 OK', 'HTTP/1.1 422 Unprocessable Entity\r\n\r\n', false],
  ])('%s: %j is %j: %j', (language, shown, printed, isSame) => {
    expect(differenceOf(language, shown, printed) === undefined).toBe(isSame)
  })

  const carriedOut = (text: string) => carryOut({ path: 'page.md', blocks: blocksOf('page.md', text) })

  test.each([
    [
      'a program that prints otherwise',
      "```ts\nconsole.log('no')\n```\n```text\nyes\n```\n",
      'prints otherwise',
    ],
    ['a command that fails', '```sh\nfalse\n```\n', 'page.md:1 ends with 1'],
    ['a command that should fail', '```sh exits=1\ntrue\n```\n', 'ends with 0, not 1'],
    ['an answer that differs', '```sh\necho 1\n```\n\n```text\n2\n```\n', 'page.md:5 is not what is printed'],
    ['a server that does not start', '```sh\nnpx rampart run nothing.ts\n```\n', 'does not start'],
  ])('finds %s', async (_, text, fault) => {
    await expect(carriedOut(text)).rejects.toThrow(fault)
  })

  test('keeps variables and folders from one block to the next', async () => {
    const first = '```sh\nexport A=b && mkdir c && cd c\n```\n'
    const second = '```sh\necho "$A" "${PWD##*/}"\n```\n```text\nb c\n```\n'
    await expect(carriedOut(`${first}${second}`)).resolves.toBeUndefined()
  })

  test('saves files, and changes lines of them', async () => {
    const file = '```text a.txt\none\ntwo\nthree\n```\n```diff a.txt\n one\n-two\n+2\n```\n'
    const proof = '```sh\ncat a.txt\n```\n```text\none\n2\nthree\n```\n'
    await expect(carriedOut(`${file}${proof}`)).resolves.toBeUndefined()
    await expect(carriedOut(file.replace('-two', '-four'))).rejects.toThrow('stand 0 times')
  })

  test.each(['```ts x.ts y.ts\n```\n', '```python\n```\n'])('reads no fence like %j', (text) => {
    expect(() => blocksOf('page.md', text)).toThrow('page.md:1')
  })
})
