import { spawn, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { SignalboxError } from '../../protocols/errors.ts'
import { ControlParser, type ControlReply } from './control-parser.ts'
import { tmuxLine } from './tmux-word.ts'

/** What the server and its clients see: nothing of ours, above all no mark. tmux refuses to start without UTF-8. */
const serverEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C.UTF-8',
  ...(process.env['HOME'] !== undefined && { HOME: process.env['HOME'] }),
})

export type ControlClientOptions = {
  readonly tmux: string
  /** Our program that closes inherited descriptors before tmux starts: a server keeps them for its whole life. */
  readonly holderPath: string
  readonly socketPath: string
  readonly configPath: string
  /** The command that attaches it. */
  readonly attach: readonly string[]
  readonly output: (pane: string, bytes: Uint8Array) => void
  readonly notice: (name: string, rest: string) => void
  /** Called once: a connection that was made is over. */
  readonly ended: (client: ControlClient) => void
}

type Lines = readonly Buffer[]
type Waiting = { readonly resolve: (lines: Lines) => void; readonly reject: (error: unknown) => void; readonly command: string }

/**
 * The one connection to the server: `tmux -C`. It is read always and at once: tmux drops a client that does not read, and
 * stops reading its panes before that. It ends with this process, as its input then does.
 */
export class ControlClient {
  readonly #child: ChildProcess
  readonly #options: ControlClientOptions
  readonly #waiting: Waiting[] = []
  readonly #attached = Promise.withResolvers<void>()
  #isAttached = false
  #isLeft = false
  readonly #end = Promise.withResolvers<void>()
  #said = ''
  #over = false

  private constructor(options: ControlClientOptions) {
    this.#options = options
    const { holderPath, tmux, socketPath, configPath, attach } = options
    this.#child = spawn(holderPath, ['run', tmux, '-S', socketPath, '-f', configPath, '-C', ...attach], {
      cwd: '/',
      env: serverEnvironment(),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true, // Ctrl-C in the terminal of the orchestrator is not for it
    })
    const parser = new ControlParser({
      output: (pane, bytes) => {
        if (!this.#isLeft) options.output(pane, bytes)
      },
      reply: (reply) => this.#reply(reply),
      notice: (name, rest) => {
        if (name === 'exit') this.#said ||= rest
        else if (!this.#isLeft) options.notice(name, rest)
      },
    })
    this.#child.stdout?.on('data', (chunk: Buffer) => parser.push(chunk))
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()))
    this.#child.stdin?.on('error', () => {}) // its end follows
    this.#child.once('error', (error) => this.#ended(error.message))
    this.#child.once('close', (code, signal) => this.#ended(this.#said.trim() || `it ended (${signal ?? `exit code ${code}`})`))
    // It keeps the process alive only while somebody waits for an answer.
    this.#child.unref()
    for (const stream of [this.#child.stdin, this.#child.stderr]) (stream as Socket | null)?.unref()
  }

  /** @throws ERR_TMUX_FAILED, ERR_TMUX_MISSING */
  static async open(options: ControlClientOptions): Promise<ControlClient> {
    const client = new ControlClient(options)
    await client.#attached.promise
    client.#hold()
    return client
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Waits for the end of the connection, which keeps the process alive meanwhile. */
  untilOver(): Promise<void> {
    this.#child.ref()
    for (const stream of [this.#child.stdout, this.#child.stderr]) (stream as Socket | null)?.ref()
    return this.#end.promise
  }

  /**
   * One command; commands are carried out in the order of the calls.
   * @returns the lines of its answer
   * @throws ERR_TMUX_FAILED with what tmux said
   */
  run(...words: readonly (string | Uint8Array)[]): Promise<Lines> {
    return this.ask(() => {}, ...words)
  }

  /** As `run`, and calls `answered` at the very place of the answer in the stream: before what is put out after it. */
  ask(answered: (lines: Lines) => void, ...words: readonly (string | Uint8Array)[]): Promise<Lines> {
    return new Promise((done, reject) => {
      const resolve = (lines: Lines): void => {
        answered(lines)
        done(lines)
      }
      const command = String(words[0])
      if (this.#over) {
        reject(tmuxOver(command, this.#said.trim() || 'the connection to it is over'))
        return
      }
      this.#waiting.push({ resolve, reject, command })
      this.#hold()
      this.#child.stdin?.write(`${tmuxLine(...words)}\n`, 'latin1')
    })
  }

  /** Leaves the server to itself. Nothing that it says is handed on any more. */
  close(): void {
    this.#isLeft = true
    this.#child.stdin?.end()
  }

  #hold(): void {
    const stdout = this.#child.stdout as Socket | null
    if (this.#waiting.length > 0) stdout?.ref()
    else stdout?.unref()
  }

  #reply({ ok, own, lines }: ControlReply): void {
    const text = (): string =>
      Buffer.concat(lines.flatMap((line) => [line, Buffer.from('; ')]))
        .toString()
        .replace(/; $/, '')
    if (!own) {
      // The first is that of the command which attached it.
      if (ok) {
        this.#isAttached = true
        this.#attached.resolve()
      } else this.#said ||= text()
      return
    }
    const waiting = this.#waiting.shift()
    this.#hold()
    if (ok) waiting?.resolve(lines)
    else waiting?.reject(tmuxFailed(waiting.command, text()))
  }

  #ended(why: string): void {
    if (this.#over) return
    this.#over = true
    this.#said ||= why
    this.#attached.reject(
      /ENOENT/.test(why) || this.#child.exitCode === 127
        ? new SignalboxError('ERR_TMUX_MISSING', `There is no ${this.#options.tmux} on the PATH.`, {
            context: { tmux: this.#options.tmux },
          })
        : tmuxFailed(this.#options.attach[0] ?? '', why),
    )
    for (const { reject, command } of this.#waiting.splice(0)) reject(tmuxOver(command, why))
    this.#end.resolve()
    if (this.#isAttached) this.#options.ended(this)
  }
}

/** The connection ended: whether the command was carried out is not known. */
const tmuxOver = (command: string, why: string): SignalboxError =>
  new SignalboxError('ERR_TMUX_FAILED', `tmux could not do ${command}: ${why}`, { context: { command, why, isOver: true } })

export const tmuxFailed = (command: string, why: string): SignalboxError =>
  new SignalboxError('ERR_TMUX_FAILED', `tmux could not do ${command}: ${why}`, { context: { command, why } })
