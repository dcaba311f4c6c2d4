#!/usr/bin/env node
// The command line's entry: runs the source inside the workspace, the built files of a published package.
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

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

// The heap of a server is mostly short-lived requests, that of a verification events: the first two flags
// leave it two thirds of what it would hold, and V8 takes them at the start of a process only. The same
// process starts again with them, where the system can. Half as much for what is young would be collected
// twice as often, by threads that wait for each other: on busy processors each command costs a quarter more.
// The last one keeps V8 from guessing that what is made at one place of the code lives long: many requests
// in hand at once mislead it, and all that they refer to is then kept with it.
const heapFlags = ['--max-semi-space-size=8', '--heap-growing-percent=20', '--no-allocation-site-pretenuring']
const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ')
const isLong = ['run', 'verify'].includes(process.argv[2]) && !/semi-space|heap-growing/.test(given)
if (isLong && process.execve !== undefined && process.channel === undefined) {
  const args = [process.execPath, ...heapFlags, ...process.execArgv, ...process.argv.slice(1)]
  process.execve(process.execPath, args, process.env)
}

// Node strips types nowhere below node_modules, so a source found there cannot be run.
const source = new URL('../src/cli/main.ts', import.meta.url)
const runsSource = !source.pathname.includes('/node_modules/') && existsSync(source)

if (runsSource) {
  // Types are stripped from hundreds of files at each start; what came of it is kept, for worker threads too.
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
    new URL('../../../node_modules/.cache/rampart', import.meta.url),
  )
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  // An app that this process loads imports `rampart`, and must get the same copy as the command line itself.
  module.registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier, { ...context, conditions: ['rampart-source', ...context.conditions] }),
  })
}
await import(runsSource ? source.href : new URL('../dist/cli/main.js', import.meta.url).href)
// Whoever is killed later leaves it behind as well.
if (runsSource) module.flushCompileCache()
