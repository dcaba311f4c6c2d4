// Puts the pinned Node on the path of npm scripts where npm failed to: runs after every install, on any Node.
//
// Each platform package of Node brings a command `node`. npm 9 and 10 delete that command again while they
// throw away the packages of the other platforms, although the right one is installed. npm 11 does not.
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const binary = `node-${process.platform}-${process.arch}/bin/node`
const link = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
const target = fileURLToPath(new URL(`../node_modules/${binary}`, import.meta.url))

if (existsSync(target) && !existsSync(link)) {
  mkdirSync(dirname(link), { recursive: true })
  rmSync(link, { force: true })
  chmodSync(target, 0o755)
  symlinkSync(`../${binary}`, link)
}
