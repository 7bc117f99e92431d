import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProcessTable } from '../../src/adapters/process-table.ts'
import { systemClock } from '../../src/adapters/system/system-clock.adapter.ts'
import type { Pty } from '../../src/ports/terminal-host.port.ts'
import { createInProcessTerminalHost } from '../../src/terminal-host/in-process-host.ts'
import { BIN, type CliWorld, makeCliWorld, until } from './cli.ts'

/** Somebody at a terminal of his own. */
export type User = {
  readonly pty: Pty
  /** In the environment of what he started. */
  readonly mark: string
  /** All that his terminal was given. */
  screen(): string
  /** One byte a character. */
  type(text: string): Promise<void>
  shows(text: string | RegExp): Promise<void>
  /** The command has ended with this code, and his terminal is as it was before. */
  isBack(code: number): Promise<void>
}

export type CliDesk = CliWorld & {
  /** Starts a command in a shell on a terminal. @param command as a shell reads it, without `signalbox` */
  user(command: string, size?: { readonly cols: number; readonly rows: number }): Promise<User>
  /** Opens a terminal in lane `desk`. @throws when that fails */
  spawn(name: string, script: string): Promise<void>
}

let users = 0

/** A repository with an orchestrator, a lane `desk` and people at terminals. Its `cleanup` ends all of them. */
export const makeCliDesk = async (env: Readonly<Record<string, string>> = {}): Promise<CliDesk> => {
  const world = await makeCliWorld()
  Object.assign(world.env, env)
  const runtimeDirectory = mkdtempSync(join(tmpdir(), 'signalbox-run-'))
  world.env['XDG_RUNTIME_DIR'] = runtimeDirectory
  const host = createInProcessTerminalHost({ clock: systemClock, processTable: createProcessTable() })
  const must = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await world.run(args)
    if (code !== 0 || stderr !== '') throw new Error(`signalbox ${args.join(' ')} ended with ${code}: ${stderr}`)
  }
  await must('up')
  await must('lane', 'add', 'desk')
  return {
    ...world,
    spawn: (name, script) => must('term', 'spawn', 'desk', '-n', name, '--', 'sh', '-c', script),
    async user(command, { cols, rows } = { cols: 100, rows: 30 }) {
      users += 1
      const mark = `ws_test${process.pid}/user/${users}`
      const script = `trap : INT; before=$(stty -g); '${process.execPath}' '${BIN}' ${command}; echo "code $?"; [ "$before" = "$(stty -g)" ] && echo "terminal as before"; exec cat`
      const pty = await host.spawn({
        ptyId: `pt_${process.pid}u${users}`,
        argv: ['/bin/sh', '-c', script],
        cwd: world.repo.root,
        env: { ...(world.env as Record<string, string>), TERM: 'xterm-256color', SIGNALBOX_MARK: mark },
        mark,
        cols,
        rows,
      })
      let seen = ''
      void (async () => {
        const decoder = new TextDecoder()
        for await (const chunk of pty.read({ from: 0 })) if ('bytes' in chunk) seen += decoder.decode(chunk.bytes, { stream: true })
      })()
      const screen = (): string => seen
      const shows = (text: string | RegExp): Promise<void> =>
        until(`the user sees ${String(text)}`, () => (typeof text === 'string' ? screen().includes(text) : text.test(screen()))).catch(
          (error: unknown) => {
            throw new Error(`the screen is ${JSON.stringify(screen().slice(-2_000))}`, { cause: error })
          },
        )
      return {
        pty,
        mark,
        screen,
        shows,
        type: (text) => pty.write(Buffer.from(text, 'latin1')),
        isBack: (code) => shows(new RegExp(`code ${code}\r\nterminal as before`, 'u')),
      }
    },
    async cleanup() {
      await host.close(0)
      await world.run(['down'])
      await world.cleanup()
      rmSync(runtimeDirectory, { recursive: true, force: true })
    },
  }
}
