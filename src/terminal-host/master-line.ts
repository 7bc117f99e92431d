import { closeSync, constants, openSync, writeSync } from 'node:fs'
import type { LeaderExit, TerminalLine, TerminalLines } from '../ports/terminal-lines.port.ts'
import { MasterStream } from './master-stream.ts'
import { forkHelper, loadNativePty } from './native-pty.ts'
import { errnoOf, spawnFailed, whyForkFailed } from './spawn-error.ts'

/** Terminals whose master side this process holds. */
export const masterLines: TerminalLines = {
  async open(request) {
    let ended = (_exit: LeaderExit): void => {}
    const exited = new Promise<LeaderExit>((resolve) => (ended = resolve))
    let forked: ReturnType<typeof forkHelper>
    try {
      forked = forkHelper(request, (exitCode, signal) => ended({ exitCode, signal }))
    } catch (cause) {
      throw spawnFailed(request, 'opening a terminal or forking', whyForkFailed(), cause)
    }
    try {
      return new MasterLine(forked.pid, exited, forked.fd, openSync(forked.ttyPath, constants.O_RDWR | constants.O_NOCTTY))
    } catch (cause) {
      // The helper waits for orders of a parent that has hung up on it: it is told nothing, and ended.
      process.kill(forked.pid, 'SIGKILL')
      await exited
      closeSync(forked.fd)
      throw spawnFailed(request, `opening ${forked.ttyPath}`, errnoOf(cause), cause)
    }
  },
}

class MasterLine implements TerminalLine {
  readonly pid: number
  readonly exited: Promise<LeaderExit>
  /** −1 once closed: the number may by then belong to another terminal. */
  #masterFd: number
  /**
   * Our own descriptor of the slave. While it is open the master never meets a hang-up: the end of a terminal is the end
   * of its leader and nothing else, and a program may close and reopen its terminal.
   */
  #slaveFd: number
  #stream: MasterStream | undefined

  constructor(pid: number, exited: Promise<LeaderExit>, masterFd: number, slaveFd: number) {
    this.pid = pid
    this.exited = exited
    this.#masterFd = masterFd
    this.#slaveFd = slaveFd
  }

  start(onBytes: (bytes: Uint8Array) => void, onClosed: () => void): void {
    this.#stream = new MasterStream(this.#masterFd, onBytes, () => {
      this.#masterFd = -1
      onClosed()
    })
    this.#stream.start()
  }

  setPaused(paused: boolean): void {
    this.#stream?.setPaused(paused)
  }

  drain(): Promise<void> {
    this.#stream?.drain()
    return Promise.resolve()
  }

  write(bytes: Uint8Array): number {
    try {
      return writeSync(this.#masterFd, bytes)
    } catch (error) {
      if (errnoOf(error) === 'EAGAIN') return 0
      throw error
    }
  }

  // oxlint-disable-next-line typescript/require-await -- what it throws is a rejection
  async resize(cols: number, rows: number): Promise<void> {
    if (this.#masterFd >= 0) loadNativePty().resize(this.#masterFd, cols, rows)
  }

  close(): void {
    if (this.#stream === undefined && this.#masterFd >= 0) closeSync(this.#masterFd)
    this.#stream?.close()
    this.#masterFd = -1
    if (this.#slaveFd >= 0) closeSync(this.#slaveFd)
    this.#slaveFd = -1
  }
}
