import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { locatePaneHolder } from '../../../src/adapters/tmux/holder-path.ts'
import { TmuxLines } from '../../../src/adapters/tmux/tmux-lines.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { openKit, sh, text } from '../terminal/terminal-kit.ts'
import { noTmux, processTable, removePlaces, tmuxPlace } from './tmux-kit.ts'

const directory = mkdtempSync(join(tmpdir(), 'sbx hölder-'))

/** Holders of panes of which the first so many end before they call in. */
const failingHolder = (name: string, failures: number): { readonly holderPath: string; readonly calls: () => number } => {
  const holderPath = join(directory, name)
  const script = `#!/bin/sh
if [ "$1" = hold ]; then
  echo >> "$0.calls"
  if [ "$(wc -l < "$0.calls")" -le ${failures} ]; then exit 1; fi
fi
exec '${locatePaneHolder()}' "$@"
`
  writeFileSync(holderPath, script)
  chmodSync(holderPath, 0o755)
  return { holderPath, calls: () => readFileSync(`${holderPath}.calls`).length }
}

describe.skipIf(noTmux !== '')(`a holder of a pane of tmux${noTmux}`, () => {
  afterAll(() => {
    removePlaces()
    rmSync(directory, { recursive: true, force: true })
  })

  it('that ends before it calls in is tried again at once, and said when it goes on [PTY-3]', { timeout: 25_000 }, async () => {
    const { holderPath, calls } = failingHolder('twice', 2)
    const { lines } = await TmuxLines.open({ clock: systemClock, processTable, directory: tmuxPlace(), holderPath })
    await using kit = openKit({ lines, retryDelaysMs: [1, 1] })
    const pty = await kit.host.spawn(sh('echo here'))
    await pty.exited
    expect(await text(pty)).toContain('here')
    expect(calls()).toBe(3)

    const always = failingHolder('always', 100)
    const other = await TmuxLines.open({ clock: systemClock, processTable, directory: tmuxPlace(), holderPath: always.holderPath })
    await using second = openKit({ lines: other.lines, retryDelaysMs: [1, 1] })
    const failed = { code: 'ERR_PTY_SPAWN_FAILED', context: { errno: 'EAGAIN', tries: 3 } }
    await expect(second.host.spawn(sh('true'))).rejects.toMatchObject(failed)
  })
})
