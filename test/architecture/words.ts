// What no file may hold or be called: unfinished work, hidden clocks, vague folders, missing first lines.
import { isTest, lineAt, nameOf, nodeIn, nodesIn, walk } from './source.ts'
import type { SourceFile, SyntaxNode, Violation } from './source.ts'

// One letter of each word stands in brackets, so that this file does not hold what it forbids.
const forbiddenTexts: readonly (readonly [RegExp, string])[] = [
  [/\b(TO[D]O|FIX[M]E|XX[X])\b/, 'marks unfinished work'],
  [/\bas an[y]\b/, 'casts the checks of the compiler away'],
  [/@ts-(ig[n]ore|no[c]heck)\b/, 'switches the compiler off'],
  [/\b(test|it|describe|suite)(\.\w+)*\.(on[l]y|ski[p])\(/, 'leaves tests out'],
  [
    /\bvi\.wait[F]or\(/,
    'gives up after a second, where expect.poll waits as long as a busy machine may take',
  ],
]

const vagueFolders = new Set(['utils', 'util', 'common', 'shared', 'helpers', 'types', 'misc'])

/** Where time, timers and randomness may be touched: everything else receives them. */
const runtimePath = 'packages/rampart/src/core/runtime.ts'

const hiddenNames = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'randomUUID',
  'randomBytes',
  'randomInt',
  'getRandomValues',
])
const hiddenMembers = new Set([
  'Date.now',
  'performance.now',
  'Math.random',
  'process.hrtime',
  'AbortSignal.timeout',
  'Temporal.Now',
])

/** Words that do not land, in code, comments and tests alike. */
export function checkTexts(file: SourceFile): readonly Violation[] {
  return file.lines.flatMap((line, index) =>
    forbiddenTexts
      .filter(([pattern]) => pattern.test(line))
      .map(([, why]) => `${file.path}:${index + 1} ${why}: ${line.trim()}`),
  )
}

/** Folders whose name says nothing, and files whose first line does not say what they are for. */
export function checkPath(file: SourceFile): readonly Violation[] {
  const folders = file.path.split('/').slice(0, -1)
  const vague = folders.filter((name, index) => {
    return vagueFolders.has(name) && !(name === 'types' && folders[index - 1] === 'test')
  })
  const first = file.lines[0]?.startsWith('#!') === true ? file.lines[1] : file.lines[0]
  const saysRole = /^\/\/ \S+( \S+){2,}/.test(first ?? '')
  return [
    ...vague.map((name) => `${file.path}:1 the folder name ${name} says nothing`),
    ...(saysRole ? [] : [`${file.path}:1 the first line is no sentence about the file's role`]),
  ]
}

/** Default exports, which have no name to search for; the host and the tools load a few files by theirs. */
export function checkDefaultExport(file: SourceFile): readonly Violation[] {
  if (/^apps\/[^/]+\/(src\/)?app\.ts$/.test(file.path)) return []
  return nodesIn(file.root, 'body').flatMap((statement) => {
    const renamed = nodesIn(statement, 'specifiers').some(
      (one) => nameOf(nodeIn(one, 'exported')) === 'default',
    )
    if (statement.type !== 'ExportDefaultDeclaration' && !renamed) return []
    return [`${file.path}:${lineAt(file, statement.start)} exports without a name`]
  })
}

/** Clocks, timers and randomness that a test or a simulation could not replace. */
export function checkRuntime(file: SourceFile): readonly Violation[] {
  const isProduct = /^(packages\/[^/]+\/src|apps)\//.test(file.path)
  if (!isProduct || isTest(file.path) || file.path === runtimePath) return []
  const violations: Violation[] = []
  walk(file.root, (node) => {
    const hidden = hiddenSource(node)
    if (hidden === undefined) return
    violations.push(
      `${file.path}:${lineAt(file, node.start)} takes ${hidden} from elsewhere than the runtime`,
    )
  })
  return violations
}

function hiddenSource(node: SyntaxNode): string | undefined {
  const callee = nameOf(nodeIn(node, 'callee'))
  switch (node.type) {
    case 'Identifier': {
      const name = nameOf(node)
      return name !== undefined && hiddenNames.has(name) ? name : undefined
    }
    case 'MemberExpression': {
      const member = `${nameOf(nodeIn(node, 'object'))}.${nameOf(nodeIn(node, 'property'))}`
      return hiddenMembers.has(member) ? member : undefined
    }
    case 'NewExpression':
      return callee === 'Date' && nodesIn(node, 'arguments').length === 0 ? 'new Date()' : undefined
    case 'CallExpression':
      return callee === 'Date' ? 'Date()' : undefined
    case 'ImportDeclaration': {
      const source = nameOf(nodeIn(node, 'source')) ?? ''
      return source.startsWith('node:timers') ? source : undefined
    }
    default:
      return undefined
  }
}
