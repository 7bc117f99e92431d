import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCgroups } from '../../../src/adapters/cgroups.ts'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { ProcessTable } from '../../../src/ports/process-table.port.ts'
import type { Pty, PtySpec, TerminalHost } from '../../../src/ports/terminal-host.port.ts'
import { createInProcessTerminalHost, type InProcessTerminalHostOptions } from '../../../src/terminal-host/in-process-host.ts'

let count = 0

/** A spec with an own id and mark; the mark is unknown to every other test run on this machine. */
export function specOf(argv: readonly string[], more: Partial<PtySpec> & { extraEnv?: Record<string, string> } = {}): PtySpec {
  count += 1
  const ptyId = `pt_${process.pid}x${count}` as const
  const mark = more.mark ?? `ws_test${process.pid}/${ptyId}/1`
  const { extraEnv, ...rest } = more
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', TERM: 'xterm-256color', LC_ALL: 'C', ...extraEnv, SIGNALBOX_MARK: mark }
  return { ptyId, argv, cwd: tmpdir(), env, mark, ...rest }
}

/** A command for /bin/sh -c. */
export const sh = (script: string, more: Parameters<typeof specOf>[1] = {}): PtySpec => specOf(['/bin/sh', '-c', script], more)

export type Kit = {
  readonly host: TerminalHost
  readonly processTable: ProcessTable
  /** A directory that goes with the kit, made when first asked for, with a space and a letter outside ASCII in its path. */
  readonly directory: string
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** A host that is closed at the end of the test, however it ends. */
export function openKit(parts: Partial<InProcessTerminalHostOptions> = {}): Kit {
  const processTable = createProcessTable()
  const host = createInProcessTerminalHost({ clock: systemClock, processTable, cgroups: createCgroups(), ...parts })
  let directory: string | undefined
  return {
    host,
    processTable,
    get directory() {
      return (directory ??= mkdtempSync(join(tmpdir(), 'sbx tést-')))
    },
    [Symbol.asyncDispose]: async () => {
      await host.close(0)
      if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Waits for a condition with a limit. @throws Error that names it */
export async function until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export const text = async (pty: Pty, bytes = 1_000_000): Promise<string> => Buffer.from(await pty.tail(bytes)).toString('latin1')

/** Waits until the output holds a text. */
export const untilOutput = (pty: Pty, wanted: string): Promise<void> =>
  until(`output holds ${wanted}`, async () => (await text(pty)).includes(wanted))

/** Everything that a lossless reader is given, with the gaps. */
export async function collect(pty: Pty): Promise<{ bytes: Buffer; gaps: number }> {
  const parts: Uint8Array[] = []
  let gaps = 0
  for await (const chunk of pty.read({ from: 0, mode: 'lossless' })) {
    if ('gap' in chunk) gaps += 1
    else parts.push(chunk.bytes)
  }
  return { bytes: Buffer.concat(parts), gaps }
}
