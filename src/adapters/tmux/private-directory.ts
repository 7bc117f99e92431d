import { chmodSync, mkdirSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessTable } from '../../ports/process-table.port.ts'
import { socketPathLimit } from '../../protocols/control/limits.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { tryGate } from '../sqlite/gate.ts'

/** The longest name in it: `<pid>-<8 digits>.h`. */
const LONGEST_NAME = 'tmux.sock'.length + 12

/** Nothing of the user's: neither his tmux.conf nor his environment. */
const CONFIG = `set -s exit-empty on
set -s set-clipboard off
set -s escape-time 10
set -g destroy-unattached off
set -g remain-on-exit off
set -g update-environment ''
set -g status off
set -g history-limit 5000
set -g automatic-rename off
set -g allow-rename off
set -g bell-action none
set -g monitor-activity off
`

/** Those that this process uses: a gate keeps out other processes only. */
const inUse = new Map<string, Disposable>()

/** The directory of one private server: its socket, its configuration, who uses it, and the sockets of the holders of panes. */
export class PrivateDirectory {
  readonly path: string
  readonly #processTable: ProcessTable
  /** Lets the next one have it. */
  readonly #letGo: () => void

  /**
   * Makes it (0700) and takes it for this process.
   * @throws ERR_TMUX_IN_USE, ERR_TMUX_FAILED where its path is too long for a socket
   */
  constructor(path: string, processTable: ProcessTable) {
    this.path = path
    this.#processTable = processTable
    const mostBytes = socketPathLimit(process.platform) - 1 - LONGEST_NAME
    if (Buffer.byteLength(path) > mostBytes) {
      const text = `The path ${path} is too long for the sockets of tmux: at most ${mostBytes} bytes.`
      throw new SignalboxError('ERR_TMUX_FAILED', text, { context: { path } })
    }
    mkdirSync(path, { recursive: true, mode: 0o700 })
    chmodSync(path, 0o700)
    this.#letGo = this.#take()
    try {
      writeFileSync(this.#ownerPath, JSON.stringify({ pid: process.pid }), { mode: 0o600 })
      writeFileSync(this.configPath, CONFIG, { mode: 0o600 })
    } catch (error) {
      this.#letGo()
      throw error
    }
  }

  get socketPath(): string {
    return join(this.path, 'tmux.sock')
  }

  get configPath(): string {
    return join(this.path, 'tmux.conf')
  }

  /** Where a holder is reached by its pid. */
  holderPath(pid: number): string {
    return join(this.path, `${pid}.p`)
  }

  inputFile(name: string): string {
    return join(this.path, `${name}.in`)
  }

  /** Removes what processes that live no more have left. */
  sweep(): void {
    for (const name of readdirSync(this.path)) if (this.#isLeft(name)) rmSync(join(this.path, name), { force: true })
  }

  /** How many processes that hold a pane live. */
  holders(): number {
    return readdirSync(this.path).filter((name) => name.endsWith('.p') && !this.#isLeft(name)).length
  }

  #isLeft(name: string): boolean {
    const [, pid] = /^(\d+)(?:-[0-9a-f]+)?\.[ph]$/.exec(name) ?? []
    return pid !== undefined && this.#processTable.identify(Number(pid)) === null
  }

  /** Lets the next process have it. */
  leave(): void {
    this.#letGo()
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
    this.#letGo()
  }

  /** For who meets it in use. */
  get #ownerPath(): string {
    return join(this.path, 'owner.json')
  }

  /** @returns what gives it back. @throws ERR_TMUX_IN_USE, and what a gate does */
  #take(): () => void {
    const name = realpathSync(this.path)
    const gate = inUse.has(name) ? null : tryGate(join(name, 'tmux'))
    if (gate === null) {
      const pid = this.#owner()
      const text = `${pid === null ? 'Another process' : `Process ${pid}`} uses the private tmux server in ${this.path}.`
      throw new SignalboxError('ERR_TMUX_IN_USE', text, { context: { path: this.path, pid } })
    }
    inUse.set(name, gate)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      inUse.delete(name)
      gate[Symbol.dispose]()
    }
  }

  #owner(): number | null {
    try {
      return (JSON.parse(readFileSync(this.#ownerPath, 'utf8')) as { readonly pid: number }).pid
    } catch {
      return null
    }
  }
}
