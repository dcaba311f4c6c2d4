// Checks and runs the code that README.md shows, as a reader would.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)

test('the quick start of the README compiles, and prints what the README says', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const [, code = ''] = /```ts\n(.*?)```/s.exec(readme) ?? []
  // Below the root, so that the packages it imports are found.
  const folder = await mkdtemp(join(root, 'test', '.quick-start-'))
  try {
    const config = { extends: '../../tsconfig.json', include: ['*.ts'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    await writeFile(join(folder, 'bank.ts'), code)
    await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder])
    const { stdout } = await run(process.execPath, ['--conditions=rampart-source', join(folder, 'bank.ts')])
    expect(stdout).toMatch(/^succeeded \{\s*key: 'ada',\s*version: 2,[^{]*data: \{ cents: 300 \}\s*\}\s*$/s)
  } finally {
    await rm(folder, { recursive: true })
  }
})
