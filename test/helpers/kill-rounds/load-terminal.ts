import { readFileSync } from 'node:fs'
import type { ControlClient, TerminalInfo } from '../../../src/client/index.ts'
import { isSignalboxError, type SignalboxError } from '../../../src/protocols/errors.ts'
import { until } from '../cli.ts'
import { loadProgram, Sayings } from './load-program.ts'
import { Broken, SeenOutput } from './seen-output.ts'

/** All that a ring holds. */
const TAIL_BYTES = 4_194_304
/** How long a program has to do what it was asked for, on a machine under load. */
const LIMIT_MS = 60_000
/** Inputs among which some are sent again. */
const NEWEST = 64

type Input = { readonly key: string; readonly text: string; state: 'sent' | 'applied' | 'refused' }

/** What a round did to a terminal, as far as it decides about what must become of it. */
type Fate = {
  /** The host that held it was killed, or is about to be. */
  mayBeLost: boolean
  /** The exit code that its program was asked for. */
  exitCode: number | null
  closing: 'no' | 'asked' | 'done'
}

export type TerminalOptions = {
  readonly name: string
  readonly lane: string
  readonly burst: number
  readonly isStubborn: boolean
  /** Input is sent with a key; without one it is applied as often as it is sent. */
  readonly withKeys: boolean
}

/** Errors that tell that the answer did not come, whatever was done. */
const isLost = (error: unknown): boolean => isSignalboxError(error, 'ERR_CONTROL_LOST') || isSignalboxError(error, 'ERR_CONTROL_CLOSED')

/** A terminal in which a program counts under load, with all that was sent to it and seen of it. */
export class LoadTerminal {
  readonly fate: Fate = { mayBeLost: false, exitCode: null, closing: 'no' }
  readonly #options: TerminalOptions
  readonly #first: TerminalInfo
  readonly #startTime: string
  readonly #seen: SeenOutput
  readonly #said: Sayings
  readonly #inputs: Input[] = []
  #size: { readonly cols: number; readonly rows: number } | null = null
  #broken: Error | null = null
  #following: Promise<void> | null = null
  #detach: () => void = () => {}
  #sawEnd = false
  #info: TerminalInfo
  /** Bytes that readers had and the log lacks, as the host was killed before it wrote them. */
  logShort = 0

  private constructor(options: TerminalOptions, info: TerminalInfo, startTime: string) {
    this.#options = options
    this.#first = info
    this.#info = info
    this.#startTime = startTime
    this.#seen = new SeenOutput(options.name)
    this.#said = new Sayings(options.name, this.#seen)
  }

  static async spawn(
    client: ControlClient,
    options: TerminalOptions,
    startTimeOf: (pid: number) => string | undefined,
  ): Promise<LoadTerminal> {
    const { name, lane, burst, isStubborn } = options
    const command = ['/bin/sh', '-c', loadProgram(burst, isStubborn)]
    const { terminal } = await client.call('terminal.spawn', { lane, name, command, restart: 'temporary' })
    const one = new LoadTerminal(options, terminal, startTimeOf(terminal.pid ?? 0) ?? '')
    one.follow(client)
    return one
  }

  get ptyId(): string {
    return this.#first.ptyId ?? ''
  }

  get seenBytes(): number {
    return this.#seen.end
  }

  get inputs(): number {
    return this.#inputs.length
  }

  /** Reads all that is there and comes, until it ends or the connection does. */
  follow(client: ControlClient): void {
    if (this.#following !== null || this.#sawEnd) return
    this.#following = this.#read(client)
      .catch((error: unknown) => {
        const isOver = isLost(error) || isSignalboxError(error, 'ERR_PTY_ENDED') || (this.fate.mayBeLost && isOfHost(error))
        if (!isOver) this.#broken ??= error as Error
      })
      .finally(() => (this.#following = null))
  }

  async #read(client: ControlClient): Promise<void> {
    const attachment = await client.attach(this.#first.id, { tailBytes: TAIL_BYTES })
    this.#detach = () => attachment.detach()
    this.#seen.begin()
    for await (const output of attachment.output) {
      if ('bytes' in output) this.#seen.take(output.offset, output.bytes)
      else if ('gap' in output) this.#seen.gap(output.gap)
    }
    const exit = await attachment.ended
    if (exit === null) return
    this.#sawEnd = true
    if (exit.outputBytes !== this.#seen.end)
      throw new Broken(
        `${this.#options.name}: it put out ${exit.outputBytes} bytes, and readers were told of its end after ${this.#seen.end}`,
      )
  }

  /** Types a line. An answer that does not come is none: it is sent again later. */
  async type(client: ControlClient, text = `line ${this.#inputs.length}`): Promise<void> {
    const input: Input = { key: `${this.#options.name}/${this.#inputs.length}`, text, state: 'sent' }
    this.#inputs.push(input)
    await this.#send(client, input)
  }

  async #send(client: ControlClient, input: Input): Promise<void> {
    const key = this.#options.withKeys ? { key: input.key } : {}
    try {
      const { receipt } = await client.call('terminal.send', { terminal: this.#first.id, text: `${input.text}\n`, ...key })
      if (receipt !== undefined && receipt.state !== 'applied')
        throw new Broken(`${this.#options.name}: input "${input.text}" was answered, and its receipt says ${receipt.state}`)
      input.state = 'applied'
    } catch (error) {
      if (isLost(error)) return
      const isEnding = this.fate.mayBeLost || this.fate.closing !== 'no' || this.fate.exitCode !== null
      if (!isEnding || !(isSignalboxError(error, 'ERR_PTY_ENDED') || (this.fate.mayBeLost && isOfHost(error)))) throw error
      if (input.state === 'sent') input.state = 'refused'
    }
  }

  async resize(client: ControlClient, cols: number, rows: number): Promise<void> {
    this.#size = null
    try {
      await client.call('terminal.resize', { terminal: this.#first.id, cols, rows })
      this.#size = { cols, rows }
    } catch (error) {
      if (!isLost(error) && !isSignalboxError(error, 'ERR_PTY_ENDED') && !(this.fate.mayBeLost && isOfHost(error))) throw error
    }
  }

  async exit(client: ControlClient, code: number): Promise<void> {
    this.fate.exitCode = code
    await this.type(client, `exit ${code}`)
  }

  async close(client: ControlClient, graceMs: number): Promise<void> {
    this.fate.closing = 'asked'
    try {
      await client.call('terminal.kill', { terminal: this.#first.id, graceMs })
      this.fate.closing = 'done'
    } catch (error) {
      if (!isLost(error) && !(this.fate.mayBeLost && isOfHost(error))) throw error
    }
  }

  /**
   * After a round, with an orchestrator: brings about what was asked for and not answered, and holds what became of the
   * terminal against what must have become of it.
   * @param again whether an input that was answered is sent again all the same
   * @returns whether it lives
   * @throws Broken
   */
  async settle(client: ControlClient, again: () => boolean, startTimeOf: (pid: number) => string | undefined): Promise<boolean> {
    if (this.#broken !== null) throw this.#broken
    const { fate } = this
    if (fate.closing === 'asked') await this.close(client, 0)
    const newest = this.#inputs.slice(-NEWEST)
    for (const input of newest) if (input.state === 'sent' || (input.state === 'applied' && again())) await this.#send(client, input)
    const look = async (): Promise<TerminalInfo> =>
      (this.#info = (await client.call('terminal.get', { terminal: this.#first.id })).terminal)
    const mustEnd = fate.mayBeLost || fate.closing !== 'no' || fate.exitCode !== null
    if (!mustEnd) {
      this.follow(client)
      await look()
      await this.#checkLives(startTimeOf)
      if (this.#size !== null) await this.#checkSize(client)
      await this.#untilSaid()
      return true
    }
    await until(`${this.#options.name} has ended`, async () => (await look()).endedAt !== null, LIMIT_MS)
    if (!fate.mayBeLost) this.follow(client)
    await until(`its readers have`, () => this.#following === null, LIMIT_MS)
    this.#checkEnd()
    return false
  }

  async #checkLives(startTimeOf: (pid: number) => string | undefined): Promise<void> {
    const { pid, state, ptyId, error } = this.#info
    if (pid === this.#first.pid && ptyId === this.#first.ptyId && startTimeOf(pid ?? 0) === this.#startTime) return
    throw new Broken(
      `${this.#options.name}: process ${this.#first.pid} (${this.ptyId}) is not there any more, though nobody ended it: ` +
        `${state}, process ${pid} (${ptyId}), ${error ?? 'no error'}`,
    )
  }

  async #checkSize(client: ControlClient): Promise<void> {
    const { cols, rows } = this.#size ?? { cols: 0, rows: 0 }
    this.#size = null
    const question = `size ${this.#inputs.length}`
    await this.type(client, question)
    await this.#untilSaid()
    if (!this.#said.has(question)) return // in a hole
    const seen = this.#said.sizes.get(question)
    if (seen !== `${rows} ${cols}`)
      throw new Broken(`${this.#options.name}: it has ${String(seen)} rows and columns, and was given ${rows} ${cols}`)
    if (this.#info.cols !== cols || this.#info.rows !== rows)
      throw new Broken(`${this.#options.name}: its size is told as ${this.#info.cols}×${this.#info.rows}, and is ${cols}×${rows}`)
  }

  /** All that was applied is echoed: once, or it is found out here. */
  async #untilSaid(): Promise<void> {
    const missing = (): readonly Input[] => this.#inputs.filter(({ state, text }) => state === 'applied' && !this.#said.has(text))
    const isSaid = (): boolean => {
      if (this.#broken !== null) throw this.#broken
      this.#said.read()
      return missing().length === 0 || this.#said.hasMissed
    }
    await until('it has answered', isSaid, LIMIT_MS).catch((error: unknown) => {
      if (error instanceof Broken) throw error
      const inputs = missing().map(({ text }) => `"${text}"`)
      throw new Broken(`${this.#options.name}: the program never had ${inputs.join(', ')}, though that was said to be applied`)
    })
    this.#seen.checkLate()
  }

  #checkEnd(): void {
    if (this.#broken !== null) throw this.#broken
    const { fate } = this
    const { exitCode, signal, error, log } = this.#info
    const hasExited = exitCode !== null || signal !== null
    if (!hasExited && !fate.mayBeLost) throw new Broken(`${this.#options.name}: its end is not on record (${error ?? 'no error'})`)
    if (hasExited && fate.exitCode !== null && fate.closing === 'no' && exitCode !== fate.exitCode)
      throw new Broken(`${this.#options.name}: it ended with ${exitCode ?? signal}, and was to exit with ${fate.exitCode}`)
    const logged = readFileSync(log ?? '')
    this.logShort = this.#seen.checkLog(logged, hasExited)
    this.#said.read()
    // The log tells it all from the beginning, where readers came too late.
    const whole = new SeenOutput(`the log of ${this.#options.name}`)
    whole.take(0, logged)
    const said = new Sayings(`the log of ${this.#options.name}`, whole)
    said.read()
    if (hasExited && fate.exitCode === exitCode && fate.closing === 'no' && !said.has(`exit ${exitCode}`))
      throw new Broken(`${this.#options.name}: its last words are not in its log`)
  }

  leave(): void {
    this.#detach()
  }
}

const isOfHost = (error: unknown): error is SignalboxError =>
  (['ERR_PTY_LOST', 'ERR_PTY_ENDED', 'ERR_HOST_DISCONNECTED', 'ERR_HOST_UNREACHABLE'] as const).some((code) =>
    isSignalboxError(error, code),
  )
