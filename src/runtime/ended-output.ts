import type { Clock } from '../ports/clock.port.ts'
import type { PtyRecord } from '../protocols/records.ts'
import type { SearchOptions, SearchResult, TerminalText, TextOptions } from '../protocols/terminal-text.ts'
import { outputText, searchOutput, type TextParts } from '../terminal-host/screen/output-text.ts'
import { type Screens, textThread } from '../terminal-host/screen/screens.ts'
import { readLogTail } from './terminal-log.ts'

/** As much as the ring of a terminal that lives. */
const MOST_BYTES = 4_194_304
const DEFAULT_SIZE = { cols: 120, rows: 30 } as const

/** What terminals put out whose process is over, or was lost: nobody has a ring of them any more, but their logs are there. */
export class EndedOutput {
  readonly #clock: Clock
  #texts: Screens | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @throws ERR_LOG_FAILED, and what `Pty.text` throws */
  async text(pty: PtyRecord, options: TextOptions): Promise<TerminalText> {
    return outputText(await this.#partsOf(pty), options)
  }

  /** @throws ERR_LOG_FAILED, and what `Pty.search` throws */
  async search(pty: PtyRecord, options: SearchOptions): Promise<SearchResult> {
    return searchOutput(await this.#partsOf(pty), options)
  }

  async close(): Promise<void> {
    await this.#texts?.end()
  }

  async #partsOf({ log, size: screen = DEFAULT_SIZE }: PtyRecord): Promise<TextParts> {
    const { from: start, bytes } = await readLogTail(log, MOST_BYTES)
    this.#texts ??= textThread(this.#clock)
    const end = start + bytes.length
    const copy = (from: number, to: number): Uint8Array<ArrayBuffer> => new Uint8Array(bytes.subarray(from - start, to - start))
    const tail = (count: number): Uint8Array<ArrayBuffer> => copy(Math.max(start, end - count), end)
    return { output: { start, end, copy, tail }, texts: this.#texts, size: screen }
  }
}
