import { chmodSync, linkSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessIdentity, ProcessTable } from '../../ports/process-table.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'

/** The longest path of a Unix socket without its NUL: 107 on Linux, 103 on macOS (unix(7), unix(4)). */
const MAX_SOCKET_PATH = 103
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

/** The directory of one private server: its socket, its configuration, who uses it, and the sockets of the holders of panes. */
export class PrivateDirectory {
  readonly path: string
  readonly #processTable: ProcessTable

  /**
   * Makes it (0700) and takes it for this process.
   * @throws ERR_TMUX_IN_USE, ERR_TMUX_FAILED where its path is too long for a socket
   */
  constructor(path: string, processTable: ProcessTable) {
    this.path = path
    this.#processTable = processTable
    if (Buffer.byteLength(path) + 1 + LONGEST_NAME > MAX_SOCKET_PATH) {
      const text = `The path ${path} is too long for the sockets of tmux: at most ${MAX_SOCKET_PATH - 1 - LONGEST_NAME} bytes.`
      throw new SignalboxError('ERR_TMUX_FAILED', text, { context: { path } })
    }
    mkdirSync(path, { recursive: true, mode: 0o700 })
    chmodSync(path, 0o700)
    this.#take()
    writeFileSync(this.configPath, CONFIG, { mode: 0o600 })
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
    if (this.#owner()?.pid === process.pid) rmSync(this.#lockPath, { force: true })
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }

  get #lockPath(): string {
    return join(this.path, 'owner.json')
  }

  #take(): void {
    const own = this.#processTable.identify(process.pid)
    const mine = `${this.#lockPath}.${process.pid}`
    writeFileSync(mine, JSON.stringify(own), { mode: 0o600 })
    try {
      for (;;) {
        try {
          linkSync(mine, this.#lockPath) // only one of several can
          return
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        }
        const owner = this.#owner()
        if (owner !== null && this.#processTable.isAlive(owner)) {
          const text = `Process ${owner.pid} uses the private tmux server in ${this.path}.`
          throw new SignalboxError('ERR_TMUX_IN_USE', text, { context: { path: this.path, pid: owner.pid } })
        }
        // Moved away first: who removes it by name could remove that of the next.
        const stale = `${this.#lockPath}.stale-${process.pid}`
        try {
          renameSync(this.#lockPath, stale)
        } catch {
          continue // another took it away
        }
        rmSync(stale, { force: true })
      }
    } finally {
      rmSync(mine, { force: true })
    }
  }

  #owner(): ProcessIdentity | null {
    try {
      return JSON.parse(readFileSync(this.#lockPath, 'utf8')) as ProcessIdentity | null
    } catch {
      return null
    }
  }
}
