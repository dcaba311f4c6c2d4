// Proves with planted differences that the reference cannot drift from the code.
import { expect, test } from 'vitest'
import { checkCommands, checkPromisesDescribed, checkSettings, readReference } from './reference.ts'
import { parseSource } from './source.ts'

const shown = (text: string) => ({ path: 'docs/page.md', text })

test('a promise must be told word for word, and stand among the guarantees', () => {
  const text = '// A port.\n//\n// AB-1 It keeps\n//      its word.\n// AB-2 Twice.\nimport x from "x"\n'
  const sources = [parseSource('packages/rampart/src/core/ports/port.ts', text)]
  const check = (ports: string, guarantees: string) =>
    checkPromisesDescribed(sources, { ports: shown(ports), guarantees: shown(guarantees) })
  const rows = '| AB-1 | It keeps its word. |\n| AB-2 | Twice. |\n'
  expect(check(rows, '| both (AB-1 … AB-2) | yes |')).toEqual([])
  expect(check(rows, '| both (AB-1) | yes |')).toEqual(['docs/page.md:1 has no row for AB-2'])
  expect(check(rows.replace('Twice', 'Once'), '(AB-1, AB-2)')).toEqual([
    'docs/page.md:1 needs the row | AB-2 | Twice. |',
  ])
  expect(check(`${rows}| AB-3 | More. |\n`, '(AB-1, AB-2)')).toHaveLength(1)
})

test('a setting must be described, with its bounds, and be read', () => {
  const sources = [parseSource('packages/rampart/src/host/settings.ts', "read('PORT')\n")]
  const check = (text: string) => checkSettings(sources, shown(text))
  expect(check('| `PORT` | 3000 | 0 to 65535 | where to listen |\n')).toEqual([])
  expect(check('| `PORT` | 3000 | 0 to 65536 | where to listen |\n')).toHaveLength(1)
  expect(check('| `PORT` | 3001 | 0 to 65535 | where to listen |\n')).toHaveLength(1)
  expect(check('')).toEqual(['docs/page.md:1 has no row for PORT'])
  expect(check('| `PORT` | 3000 | a number | x |\n| `RAMPART_X` | 1 | a number | x |\n')).toEqual([
    'docs/page.md:1 describes RAMPART_X, which nobody reads',
  ])
})

test('a command must have a section with its options', () => {
  const { path, text } = readReference('commands.md')
  const check = (changed: string) => checkCommands({ path, text: changed })
  expect(check(text.replace('| `--accept` |', '| `--agree` |'))).toHaveLength(2)
  expect(check(text.replace('## `rampart rebuild <projection>`', '## Rebuilding'))).toHaveLength(2)
  expect(check(`${text}\n## \`rampart dance\`\n`)).toHaveLength(1)
})
