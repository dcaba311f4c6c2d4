#!/usr/bin/env node
// The command line's entry: runs the source inside the workspace, the built files of a published package.
import { existsSync } from 'node:fs'
import module from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (
  major < 22 ||
  (major === 22 && minor < 23) ||
  (major >= 23 && (major === 23 || (major === 24 && minor < 21)))
) {
  console.error(
    `Rampart needs Node 22.23.1 or 24.21 and newer; this is ${process.version} (${process.execPath}).`,
  )
  process.exit(1)
}

// Node strips types nowhere below node_modules, so a source found there cannot be run.
const source = new URL('../src/cli/main.ts', import.meta.url)
const runsSource = !source.pathname.includes('/node_modules/') && existsSync(source)

if (runsSource) {
  // An app that this process loads imports `rampart`, and must get the same copy as the command line itself.
  module.registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier, { ...context, conditions: ['rampart-source', ...context.conditions] }),
  })
}
await import(runsSource ? source.href : new URL('../dist/cli/main.js', import.meta.url).href)
