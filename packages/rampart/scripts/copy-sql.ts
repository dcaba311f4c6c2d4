// Puts the SQL files beside the built code, which reads them at run time; the last step of the build.
import { cpSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../src', import.meta.url))
const built = fileURLToPath(new URL('../dist', import.meta.url))

cpSync(source, built, {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || path.endsWith('.sql'),
})
