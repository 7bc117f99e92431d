import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { lastLine, runScript } from './run-script.ts'

/** Root, Linux, and the right to make a pid namespace: absent in some containers. */
const canNamespace =
  process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('unshare', ['-fp', '--mount-proc', 'true']).status === 0

describe('who is meant by a pid', () => {
  it.skipIf(!canNamespace)(
    'nothing that is sent to a terminal reaches a process that took a pid of it, at no step of its end (needs root and unshare -fp) [PTY-8] [PTY-7]',
    async () => {
      // The shell is init there, which waits for all that lost their parents.
      const prefix = ['unshare', '-fp', '--kill-child', '--mount-proc', 'sh', '-c', '"$@"; exit $?', 'sh']
      const result = lastLine(await runScript('reused-pids.ts', [], prefix))
      expect(result).toEqual({
        signalWhileUnheard: 'gone',
        exit: expect.objectContaining({ exitCode: 0, signal: null, survivors: [] }),
        leaderStranger: true,
        signalAfter: 'ERR_PTY_ENDED',
        leaderStrangerAfter: true,
        survivors: expect.arrayContaining(['SIGKILL']), // the soft one, too, where the leader ended before it
        survivorStranger: true,
        sentToStranger: false,
        strangersAfterClose: [true, true],
      })
    },
  )
})
