// Restores a backup into a database, and is killed before one of its steps: the process of a test.
import { restoreToDatabase } from '../index.ts'

const [from = '', url = '', step = ''] = process.argv.slice(2)
const steps = new Set<string>()
await restoreToDatabase({
  from,
  url,
  replace: true,
  onProgress({ what }) {
    steps.add(what)
    if (steps.size === Number(step)) process.kill(process.pid, 'SIGKILL')
  },
})
