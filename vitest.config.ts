// How the tests of the whole workspace run; `npm test` reads it.
import { join } from 'node:path'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// The library is tested as source, also where an app imports it by its public name.
const conditions = ['rampart-source', ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['rampart-source'] } },
  test: {
    include: [
      'test/**/*.test.ts',
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'apps/*/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**', 'bench/peers/**'],
    pool: 'forks',
    // Many tests start servers and wait for the disk: more workers only make their time-outs fire.
    maxWorkers: 2,
    // Worker threads and forked processes of a test inherit this flag.
    execArgv: ['--conditions=rampart-source'],
    // Programs that tests start need not strip the types of the same files again.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/rampart') },
    // A busy machine is slow, and what comes late has come: these end what never does.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // Nothing may hide behind a second attempt or a forgotten `only`.
    retry: 0,
    allowOnly: false,
  },
})
