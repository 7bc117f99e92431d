import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { ProcessTable } from '../../../src/ports/process-table.port.ts'
import type { TerminalHost } from '../../../src/ports/terminal-host.port.ts'
import { findTmux } from '../../helpers/find-tmux.ts'
import { openTmuxTerminalHost, type TmuxTerminalHostOptions } from '../../../src/runtime/host/tmux-host.ts'

/** Why there is nothing to test here, or an empty text. */
export const noTmux: string = findTmux().noTmux

export const processTable: ProcessTable = createProcessTable()

const places = new Set<string>()

/** A private directory with a space and a letter outside ASCII in its path; not made yet. */
export const tmuxPlace = (): string => {
  const place = join(mkdtempSync(join(tmpdir(), 'sbx tmüx-')), 't')
  places.add(place)
  return place
}

export const openTmux = (directory: string = tmuxPlace(), more: Partial<TmuxTerminalHostOptions> = {}): Promise<TerminalHost> =>
  openTmuxTerminalHost({ clock: systemClock, processTable, directory, ...more })

/** A host that is closed at the end of the test, however it ends. */
export const usingTmux = async (
  directory?: string,
  more: Partial<TmuxTerminalHostOptions> = {},
): Promise<{ readonly host: TerminalHost; readonly directory: string } & AsyncDisposable> => {
  const place = directory ?? tmuxPlace()
  const host = await openTmux(place, more)
  return {
    host,
    directory: place,
    [Symbol.asyncDispose]: async () => {
      await host.close(0)
    },
  }
}

export const removePlaces = (): void => {
  for (const place of places) rmSync(dirname(place), { recursive: true, force: true })
}

/** The processes of one private directory: the server, its control client, and the holders of its panes. */
export const processesOf = (directory: string): { readonly pid: number; readonly command: string }[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
        const isOurs = command.includes(directory) && Number(name) !== process.pid && processTable.identify(Number(name)) !== null
        return isOurs ? [{ pid: Number(name), command }] : []
      } catch {
        return []
      }
    })

export const serverPid = (directory: string): number =>
  Number(execFileSync('tmux', ['-S', join(directory, 'tmux.sock'), 'display-message', '-p', '#{pid}'], { encoding: 'utf8' }))

export const tmuxCommand = (directory: string, ...words: readonly string[]): string =>
  execFileSync('tmux', ['-S', join(directory, 'tmux.sock'), ...words], { encoding: 'utf8' })

/** Of the control connection; 0 while there is none. */
export const clientPid = (directory: string): number => Number(tmuxCommand(directory, 'list-clients', '-F', '#{client_pid}').split('\n')[0])

/** Of the pane of a terminal. */
export const holderPid = (directory: string, ptyId: string): number =>
  Number(tmuxCommand(directory, 'list-panes', '-a', '-f', `#{==:#{window_name},${ptyId}}`, '-F', '#{pane_pid}'))
