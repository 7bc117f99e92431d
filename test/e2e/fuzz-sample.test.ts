import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const SEED = '774187896'
const root = join(import.meta.dirname, '../..')

describe('what takes bytes of others: decoders, and screens', () => {
  it('holds for a minute of fuzzing, all together [BUS-1, PTY-20]', async () => {
    // The same ones each time, as far as the minute goes: `script/soak --fuzz` looks for others.
    const env = { SIGNALBOX_SEED: SEED, ...process.env, NO_COLOR: '1' }
    const { stdout } = await promisify(execFile)(process.execPath, ['script/soak.ts', '--fuzz', '1'], { cwd: root, env })
    console.log(stdout)
    for (const name of ['control-decoders', 'tmux-control', 'screen'])
      expect(stdout).toMatch(new RegExp(`^ok +\\d{2,} runs {2}property-tests/${name}\\.prop\\.ts: `, 'mu'))
    expect(stdout).not.toContain('FAILED')
  }, 300_000)

  it('is told how long wrongly: nothing is run', async () => {
    const failed = promisify(execFile)(process.execPath, ['script/soak.ts', '--fuzz', '0'], { cwd: root })
    await expect(failed).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('minutes above 0') })
  })
})
