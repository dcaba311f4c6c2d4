// Checks and runs the code that README.md and the guides show, as a reader would.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)

/** The contents of the blocks of a language, in their order. */
function blocksOf(text: string, language: string): readonly string[] {
  return Array.from(
    text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs')),
    ([, code = '']) => code,
  )
}

/** Compiles and runs a program, and returns what it prints. */
async function printedBy(code: string): Promise<string> {
  // Below the root, so that the packages it imports are found.
  const folder = await mkdtemp(join(root, 'test', '.shown-code-'))
  try {
    const config = { extends: '../../tsconfig.json', include: ['*.ts'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    await writeFile(join(folder, 'shown.ts'), code)
    await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder])
    return (await run(process.execPath, ['--conditions=rampart-source', join(folder, 'shown.ts')])).stdout
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('the quick start of the README compiles, and prints what the README says', async () => {
  const [code = ''] = blocksOf(await readFile(join(root, 'README.md'), 'utf8'), 'ts')
  expect(await printedBy(code)).toMatch(
    /^succeeded \{\s*key: 'ada',\s*version: 2,[^{]*data: \{ cents: 300 \}\s*\}\s*$/s,
  )
})

const guides = await readdir(join(root, 'docs/guides'))

test.each(guides)('the code of %s is one program, and prints what the guide says', async (guide) => {
  const text = await readFile(join(root, 'docs/guides', guide), 'utf8')
  expect(await printedBy(blocksOf(text, 'ts').join('\n'))).toBe(blocksOf(text, 'text').join(''))
})
