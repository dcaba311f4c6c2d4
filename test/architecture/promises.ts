// Ports and their proofs: each numbered promise has a rule in the conformance suite, and each rule a promise.
import { posix } from 'node:path'
import { nameOf, nodeIn, walk, type SourceFile, type SyntaxNode, type Violation } from './source.ts'

const portPattern = /^packages\/rampart\/src\/core\/(?:ports\/)?([a-z-]+)\.ts$/
const suiteFolder = 'packages/rampart/src/testing'
const promisePattern = /^(?:\/\/| \*) ([A-Z]{2}-\d+)\b/gm
const rulePattern = /^([A-Z]{2}-\d+)\b/

interface Suite {
  readonly rules: ReadonlySet<string>
  readonly pending: ReadonlySet<string>
}

/** Promises without a rule, rules without a promise, and pending rules that are proved after all. */
export function checkPromises(sources: readonly SourceFile[]): readonly Violation[] {
  const hasSuites = sources.some((file) => file.path === `${suiteFolder}/index.ts`)
  if (!hasSuites) return []
  return sources.flatMap((file) => {
    const port = portPattern.exec(file.path)?.[1]
    const promises = new Set(Array.from(file.text.matchAll(promisePattern), (match) => match[1] ?? ''))
    if (port === undefined || promises.size === 0) return []
    const suite = suiteOf(sources.filter((one) => isSuiteOf(one.path, port)))
    return compare(file.path, promises, suite)
  })
}

function compare(
  path: string,
  promises: ReadonlySet<string>,
  { rules, pending }: Suite,
): readonly Violation[] {
  const unproved = promises.difference(rules).difference(pending)
  const unknown = rules.union(pending).difference(promises)
  return [
    ...Array.from(unproved, (id) => `${path}:1 the promise ${id} has no rule in the conformance suite`),
    ...Array.from(unknown, (id) => `${path}:1 the rule ${id} has no promise in the port`),
    ...Array.from(
      rules.intersection(pending),
      (id) => `${path}:1 the rule ${id} is pending and proved at once`,
    ),
  ]
}

function isSuiteOf(path: string, port: string): boolean {
  return posix.dirname(path) === suiteFolder && posix.basename(path).startsWith(`${port}-contract`)
}

function suiteOf(files: readonly SourceFile[]): Suite {
  const rules = new Set<string>()
  const pending = new Set<string>()
  for (const file of files) {
    walk(file.root, (node, above) => {
      const id = ruleId(node)
      if (id !== undefined) (above.some(isPendingTable) ? pending : rules).add(id)
    })
  }
  return { rules, pending }
}

function ruleId(node: SyntaxNode): string | undefined {
  const text = node.type === 'Literal' ? nameOf(node) : undefined
  return text === undefined ? undefined : rulePattern.exec(text)?.[1]
}

function isPendingTable(node: SyntaxNode): boolean {
  return node.type === 'VariableDeclarator' && nameOf(nodeIn(node, 'id')) === 'pendingRules'
}
