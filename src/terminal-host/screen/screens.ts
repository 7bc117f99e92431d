import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../../ports/clock.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import type { DrawnScreen, FromScreens, SearchRequest, TextRequest, ToScreens } from './messages.ts'

/** Output that waits for the thread, of all screens. Beyond it the largest flood loses its screen. */
const QUEUE_BYTES = 33_554_432
/** One job that takes longer hangs. */
const HANG_MS = 10_000
/** A thread that nobody needs ends after this time. */
const IDLE_MS = 10_000
/** So many failures within the window, and no thread is started until it has passed. */
const FAILURES = 3
const WITHIN_MS = 60_000
/** A question is asked so often again, where the thread failed at another's. */
const MOST_TRIES = 2

/** A screen in the thread; it ends with it. */
export type ScreenRef = { readonly id: number; isLost: boolean; /** By its own output. */ hasFailed: boolean }

type Unnumbered<M> = M extends unknown ? Omit<M, 'id'> : never
export type Question = Unnumbered<TextRequest> | Unnumbered<SearchRequest>

type Job = { readonly ref: ScreenRef; readonly bytes: number; readonly settle?: ((answer: FromScreens) => void) | undefined }

export type ScreensOptions = {
  readonly clock: Clock
  /** @defaultValue a thread of `screen-thread` */
  readonly start?: () => Worker
  /** Failures within a minute, and no thread is started for the rest of it. @defaultValue 3 */
  readonly failures?: number
  /** ms @defaultValue 10,000 */
  readonly hangMs?: number
  /** ms @defaultValue 10,000 */
  readonly idleMs?: number
}

/** Where screens live. */
export type ScreenPool = Pick<Screens, 'open' | 'feed' | 'resize' | 'snapshot' | 'close' | 'hasRoom'>

const startThread = (): Worker => {
  const file = new URL(`./screen-thread${extname(import.meta.url)}`, import.meta.url)
  // options of this process (a test runner's, --inspect) are not for the thread
  return new Worker(file, { execArgv: [], name: 'signalbox-screens', resourceLimits: { maxOldGenerationSizeMb: 512 } })
}

/**
 * The screens of all terminals of this process, in one thread that is started on first need and ends when nobody needs it. It
 * may crash or hang: then its screens are lost, who waits is told, and the next who needs one has it started again, three
 * times a minute at most.
 */
export class Screens {
  readonly #options: Required<ScreensOptions>
  #thread: Worker | null = null
  /** In the order in which the thread carries them out. */
  #jobs: Job[] = []
  #queuedBytes = 0
  #waiting: (() => void)[] = []
  readonly #open = new Set<ScreenRef>()
  #lastId = 0
  #failures: number[] = []
  #watch: Timer | undefined
  #idle: Timer | undefined

  constructor(options: ScreensOptions) {
    this.#options = { start: startThread, failures: FAILURES, hangMs: HANG_MS, idleMs: IDLE_MS, ...options }
  }

  /** Whether a thread runs now. */
  get isRunning(): boolean {
    return this.#thread !== null
  }

  get size(): number {
    return this.#open.size
  }

  /** @throws ERR_SCREEN_UNAVAILABLE */
  open(cols: number, rows: number, scrollback: number): ScreenRef {
    this.#thread ??= this.#start()
    this.#idle?.cancel()
    this.#idle = undefined
    this.#lastId += 1
    const ref: ScreenRef = { id: this.#lastId, isLost: false, hasFailed: false }
    this.#open.add(ref)
    this.#post(ref, { do: 'open', id: ref.id, cols, rows, scrollback })
    return ref
  }

  /** @param bytes taken over: they are gone here afterwards. One that is too far behind is lost. */
  feed(ref: ScreenRef, bytes: Uint8Array<ArrayBuffer>): void {
    if (ref.isLost || bytes.length === 0) return
    if (this.#queuedBytes + bytes.length > QUEUE_BYTES) return this.close(ref)
    this.#post(ref, { do: 'feed', id: ref.id, bytes }, bytes.length, undefined, [bytes.buffer])
  }

  resize(ref: ScreenRef, cols: number, rows: number): void {
    if (!ref.isLost) this.#post(ref, { do: 'resize', id: ref.id, cols, rows })
  }

  /** As of all that it was fed. @throws ERR_SCREEN_UNAVAILABLE */
  async snapshot(ref: ScreenRef, scrollback: number): Promise<DrawnScreen> {
    const answer = await new Promise<FromScreens>((resolve) => {
      if (ref.isLost) resolve({ done: 'snapshot', error: 'it is lost' })
      else this.#post(ref, { do: 'snapshot', id: ref.id, scrollback }, 0, resolve)
    })
    if (answer.drawn !== undefined) return answer.drawn
    throw unavailable(answer.error ?? 'it is lost')
  }

  /** Resolves when output can be fed again: half of what waited is drawn, or the thread has ended. */
  hasRoom(): Promise<void> {
    return this.#queuedBytes <= QUEUE_BYTES / 2 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  /**
   * One question that needs no screen.
   * @param make called when there is room for it, and again where another's question made the thread fail
   * @throws ERR_SCREEN_UNAVAILABLE
   */
  async ask(make: () => Question): Promise<FromScreens> {
    for (let tries = 0; ; tries += 1) {
      while (this.#queuedBytes > QUEUE_BYTES / 2) await this.hasRoom()
      this.#thread ??= this.#start()
      this.#idle?.cancel()
      this.#idle = undefined
      this.#lastId += 1
      const ref: ScreenRef = { id: this.#lastId, isLost: false, hasFailed: false }
      const answer = await new Promise<FromScreens>((resolve) => {
        const question = make()
        const { bytes } = question
        this.#post(ref, { ...question, id: ref.id } as TextRequest | SearchRequest, bytes.length, resolve, [bytes.buffer])
      })
      if (answer.error === undefined) return answer
      if (ref.hasFailed || tries >= MOST_TRIES) throw unavailable(answer.error)
    }
  }

  /** Idempotent. */
  close(ref: ScreenRef): void {
    if (ref.isLost) return
    ref.isLost = true
    this.#open.delete(ref)
    this.#post(ref, { do: 'close', id: ref.id })
    this.#restWhenIdle()
  }

  /** Ends the thread. Screens are lost; a later need starts another. */
  async end(): Promise<void> {
    const thread = this.#thread
    for (const { ref } of this.#jobs) ref.hasFailed = true // nobody is to ask again
    this.#lose('the terminal host is closed')
    await thread?.terminate()
  }

  #post(ref: ScreenRef, message: ToScreens, bytes = 0, settle?: Job['settle'], transfer: ArrayBuffer[] = []): void {
    this.#jobs.push({ ref, bytes, settle })
    this.#queuedBytes += bytes
    this.#thread?.postMessage(message, transfer)
    if (this.#jobs.length === 1) this.#watchNext()
  }

  #watchNext(): void {
    this.#watch?.cancel()
    this.#watch = undefined
    if (this.#jobs.length === 0 || this.#thread === null) return
    this.#watch = this.#options.clock.setTimer(this.#options.hangMs, () =>
      this.#failed(`it took more than ${this.#options.hangMs / 1_000} s`),
    )
  }

  #answered(answer: FromScreens): void {
    const job = this.#jobs.shift()
    if (job === undefined) return
    this.#queuedBytes -= job.bytes
    if (this.#queuedBytes <= QUEUE_BYTES / 2) this.#giveRoom()
    if (answer.error !== undefined) {
      job.ref.hasFailed = !job.ref.isLost
      job.ref.isLost = true
      this.#open.delete(job.ref)
    }
    job.settle?.(answer)
    this.#watchNext()
    this.#restWhenIdle()
  }

  #start(): Worker {
    const { clock, start, failures } = this.#options
    const now = clock.monotonic()
    this.#failures = this.#failures.filter((at) => now - at < WITHIN_MS)
    if (this.#failures.length >= failures) throw unavailable(`the thread of screens failed ${failures} times within a minute`)
    const thread = start()
    thread.unref()
    const failed = (why: string): void => {
      if (this.#thread === thread) this.#failed(why)
    }
    thread.on('message', (answer: FromScreens) => {
      if (this.#thread === thread) this.#answered(answer)
    })
    thread.on('error', (error: unknown) => failed(String(error)))
    thread.on('exit', (code) => failed(`it ended with ${code}`))
    return thread
  }

  #failed(why: string): void {
    this.#failures.push(this.#options.clock.monotonic())
    const thread = this.#thread
    const [job] = this.#jobs
    if (job !== undefined) job.ref.hasFailed = true
    this.#lose(why)
    void thread?.terminate()
  }

  #lose(why: string): void {
    this.#thread = null
    this.#watch?.cancel()
    this.#idle?.cancel()
    this.#watch = undefined
    this.#idle = undefined
    const jobs = this.#jobs
    this.#jobs = []
    this.#queuedBytes = 0
    this.#giveRoom()
    for (const ref of this.#open) ref.isLost = true
    this.#open.clear()
    for (const { settle } of jobs) settle?.({ done: 'snapshot', error: why })
  }

  #giveRoom(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #restWhenIdle(): void {
    if (this.#open.size > 0 || this.#jobs.length > 0 || this.#thread === null || this.#idle !== undefined) return
    this.#idle = this.#options.clock.setTimer(this.#options.idleMs, () => {
      const thread = this.#thread
      this.#lose('nobody needed it')
      void thread?.terminate()
    })
  }
}

export const unavailable = (why: string): SignalboxError =>
  new SignalboxError('ERR_SCREEN_UNAVAILABLE', `The screen cannot be drawn: ${why}.`, { context: { why } })

/** The longest search. ms */
const TEXT_LIMIT_MS = 5_000
/** Searches that take too long, within a minute. */
const TEXT_FAILURES = 12

/** A thread for questions about output: apart from screens, as an expression of a user may hang it. */
export const textThread = (clock: Clock): Screens => new Screens({ clock, hangMs: TEXT_LIMIT_MS, failures: TEXT_FAILURES })
