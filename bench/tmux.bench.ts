import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createProcessTable } from '../src/adapters/process-table.ts'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { openTmuxTerminalHost } from '../src/runtime/host/tmux-host.ts'
import type { Case, Suite } from './harness.ts'
import { echo, firstByte, throughput } from './pty-measures.ts'
import { raw, subjectOf } from './pty-subjects.ts'

/** Terminals of a private tmux server, through control mode, against raw node-pty in the same run. No cases where there is no tmux. */
export const tmuxSuite = async ({ smoke }: { readonly smoke: boolean }): Promise<Suite> => {
  if (spawnSync('tmux', ['-V']).status !== 0) {
    console.error('bench: tmux: no cases, as there is no tmux on the PATH; script/setup --tools installs it')
    return { name: 'tmux', cases: [], close: () => Promise.resolve() }
  }
  const directory = join(mkdtempSync(join(tmpdir(), 'sbx-bench-')), 't')
  const host = await openTmuxTerminalHost({ clock: systemClock, processTable: createProcessTable(), directory })
  const subject = subjectOf(() => host)
  const bytes = smoke ? 3_000_000 : 10_000_000
  const echoes = smoke ? 300 : 2_000
  const rate = (name: string, kind: 'lines' | 'blob', at = 1): Case => ({
    name,
    unit: 'MB/s',
    better: 'higher',
    ours: () => throughput(subject, kind, bytes, at),
    baseline: () => throughput(raw, kind, bytes, at),
  })
  return {
    name: 'tmux',
    cases: [
      rate('output', 'lines'),
      rate('output-blob', 'blob'),
      rate('output-4', 'lines', 4),
      { name: 'echo', unit: 'µs', better: 'lower', percent: 50, ours: () => echo(subject, echoes), baseline: () => echo(raw, echoes) },
      { name: 'spawn', unit: 'ms', better: 'lower', percent: 50, ours: () => firstByte(subject), baseline: () => firstByte(raw) },
    ],
    close: async () => {
      await host.close(0)
      rmSync(dirname(directory), { recursive: true, force: true })
    },
  }
}
