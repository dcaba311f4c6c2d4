// Restores a backup and kills itself at the step with the given number, as no handler could prevent.
import { restore } from '../index.ts'

const [from = '', dataFolder = '', last = ''] = process.argv.slice(2)
let steps = 0
await restore({
  from,
  dataFolder,
  onProgress: () => {
    if (++steps === Number(last)) process.kill(process.pid, 'SIGKILL')
  },
})
