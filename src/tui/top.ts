import { Box, render, Text, useInput } from 'ink'
import { createElement, type FunctionComponent } from 'react'
import type { ControlClient } from '../client/client.ts'
import type { ActorInfo } from '../protocols/control/views.ts'
import { type Deed, type Key, NEW_TOP, type Order, pressed, seen, type Sort, type Top } from './top-model.ts'
import { type Line, listHeight, type Screen, screenOf, type Table } from './top-screen.ts'

export type TopOptions = {
  readonly client: Pick<ControlClient, 'call'>
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  /** Waits for so many ms, or until the signal. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Ends it, as the key for quitting does. */
  readonly signal: AbortSignal
  /** How actors look at a width, and by what they are sorted. */
  readonly table: (width: number, sort: Sort) => Table
  readonly infoLines: (info: ActorInfo) => readonly string[]
  readonly colours: boolean
}

const LOOK_EACH_MS = 1_000
/** Keys answer within a frame. */
const FRAMES_A_SECOND = 60

const KEYS = {
  upArrow: 'up',
  downArrow: 'down',
  leftArrow: 'left',
  rightArrow: 'right',
  pageUp: 'pageup',
  pageDown: 'pagedown',
  home: 'home',
  end: 'end',
  return: 'return',
  escape: 'escape',
  backspace: 'backspace',
  delete: 'backspace',
} as const

const CONTROLS: Readonly<Record<string, Key>> = {
  '\r': 'return',
  '\n': 'return',
  '\u001b': 'escape',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0003': 'ctrl-c',
}

const keyOf = (input: string, key: Parameters<Parameters<typeof useInput>[0]>[1]): readonly Key[] => {
  if (key.ctrl) return input === 'c' ? ['ctrl-c'] : []
  for (const [name, meant] of Object.entries(KEYS)) if (key[name as keyof typeof KEYS]) return [meant]
  // several come at once where somebody types fast, or a terminal is slow
  return Array.from(input, (character) => CONTROLS[character] ?? character)
}

const ScreenView: FunctionComponent<{ lines: readonly Line[]; colours: boolean; onKey: (key: Key) => void }> = ({
  lines,
  colours,
  onKey,
}) => {
  useInput((input, key) => {
    for (const one of keyOf(input, key)) onKey(one)
  })
  const view = ({ text, look }: Line, index: number) => {
    const props = {
      key: index,
      wrap: 'truncate-end' as const,
      inverse: look === 'cursor',
      bold: look === 'head',
      dimColor: colours && look === 'dim',
    }
    // an empty text takes no line
    return createElement(Text, props, text === '' ? ' ' : text)
  }
  return createElement(Box, { flexDirection: 'column' }, ...lines.map(view))
}

/** What a deed came to, for people. */
const done: { readonly [D in Deed]: string } = {
  kill: 'killed',
  restart: 'restarted',
  stop: 'stopped',
  suspend: 'suspended',
  resume: 'resumed',
}

/** Draws the actors of an orchestrator, each second and at each key, until somebody quits. */
class TopView {
  private top: Top = NEW_TOP
  private info: readonly string[] = []
  private readonly options: TopOptions
  private readonly ended = new AbortController()
  private failure: Error | null = null
  /** Of the deeds that are under way, so that none is cut off in the midst. */
  private readonly underWay = new Set<Promise<void>>()
  private app: ReturnType<typeof render> | null = null

  constructor(options: TopOptions) {
    this.options = options
  }

  async run(): Promise<void> {
    const { stdin, stdout, signal } = this.options
    this.top = seen(this.top, (await this.options.client.call('tree.get', {})).tree, this.height)
    const quit = (): void => this.ended.abort()
    signal.addEventListener('abort', quit)
    this.app = render(this.element(), {
      stdin,
      stdout,
      alternateScreen: true,
      incrementalRendering: true,
      exitOnCtrlC: false,
      patchConsole: false,
      maxFps: FRAMES_A_SECOND,
      interactive: true,
    })
    stdout.on('resize', this.resized)
    try {
      await this.lookOn()
      await Promise.all(this.underWay)
    } finally {
      stdout.off('resize', this.resized)
      signal.removeEventListener('abort', quit)
      this.app.unmount()
      await this.app.waitUntilExit()
    }
    if (this.failure !== null) throw this.failure
  }

  private get screen(): Screen {
    const { columns, rows } = this.options.stdout
    // the last line stays free, so that the screen never scrolls
    return { width: columns > 0 ? columns : 80, height: (rows > 0 ? rows : 24) - 1 }
  }

  private get height(): number {
    return listHeight(this.screen)
  }

  private element() {
    const { table, colours } = this.options
    const lines = screenOf(this.top, this.info, table(this.screen.width, this.top.sort), this.screen)
    return createElement(ScreenView, { lines, colours, onKey: this.pressed })
  }

  private show(top: Top): void {
    this.top = top
    this.app?.rerender(this.element())
  }

  private readonly resized = (): void => this.show(seen(this.top, null, this.height))

  private async lookOn(): Promise<void> {
    const { signal } = this.ended
    while (!signal.aborted) {
      await this.options.pause(LOOK_EACH_MS, signal)
      if (!this.top.isPaused && !signal.aborted) await this.look()
    }
  }

  private async look(): Promise<void> {
    const { client, infoLines } = this.options
    try {
      const { tree } = await client.call('tree.get', {})
      const { selected, page } = this.top
      if (page === 'info' && selected !== null) {
        this.info = await client.call('actor.info', { name: selected }).then(infoLines, (error: Error) => [error.message])
      }
      if (!this.ended.signal.aborted) this.show(seen(this.top, tree, this.height))
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error))
      this.ended.abort()
    }
  }

  private readonly pressed = (key: Key): void => {
    const [next, order] = pressed(this.top, key, this.height)
    if (next.page !== this.top.page) this.info = []
    this.show(next)
    this.carryOut(order)
  }

  private carryOut(order: Order): void {
    if (order.do === 'nothing') return
    if (order.do === 'quit') return this.ended.abort()
    const work = (order.do === 'look' ? this.look() : this.act(order.do, order.name)).finally(() => this.underWay.delete(work))
    this.underWay.add(work)
  }

  private async act(deed: Deed, name: string): Promise<void> {
    this.show({ ...this.top, note: `${deed} ${name} …` })
    try {
      const { name: whom, incarnation } = await this.options.client.call(`actor.${deed}`, { name })
      this.show({ ...this.top, note: `${done[deed]}: ${whom}$${incarnation}` })
    } catch (error) {
      this.show({ ...this.top, note: error instanceof Error ? error.message : String(error) })
    }
    await this.look()
  }
}

/**
 * `signalbox top` on a terminal. Resolves when somebody quits; the terminal is then as it was.
 * @throws what the orchestrator answers, ERR_CONTROL_LOST when it dies
 */
export const startTop = (options: TopOptions): Promise<void> => new TopView(options).run()
