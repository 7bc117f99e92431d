/** Of what text is wanted; of the three the first that is given. */
export type TextOptions = {
  /** What was put out from this offset on. */
  readonly since?: number | undefined
  /** What the last command put out, where the shell marks it (OSC 133). @defaultValue false */
  readonly lastCommand?: boolean | undefined
  /** The last so many lines, 1 to 10,000. @defaultValue 1,000 */
  readonly lines?: number | undefined
}

/** Output as text: without escapes, what was written over is gone, and lines that wrap are one. */
export type TerminalText = {
  /** Where it begins in all output. */
  readonly from: number
  /** Up to here: ask `since` here for what comes after. A sequence that has begun is left to the next. */
  readonly offset: number
  /** Output that was asked for, and is held no longer. */
  readonly gap: { readonly from: number; readonly to: number } | null
  readonly lines: readonly string[]
  /** Lines before these were left out. */
  readonly isCut: boolean
  /** A program fills the screen: these are its lines as they are now. */
  readonly altScreen: boolean
  /** Of the last command, where that was asked for. */
  readonly command: CommandText | null
}

export type CommandText = {
  /** As it was typed; null where the shell does not mark it. */
  readonly text: string | null
  readonly isRunning: boolean
  /** Null while it runs, and where the shell does not tell. */
  readonly exitCode: number | null
}

export type SearchOptions = {
  /** 1 to 1,000 characters. */
  readonly pattern: string
  /** It is a regular expression of JavaScript. @defaultValue false: text as it is */
  readonly regex?: boolean | undefined
  /** @defaultValue false */
  readonly ignoreCase?: boolean | undefined
  /** The newest so many, 1 to 10,000. @defaultValue 100 */
  readonly limit?: number | undefined
}

/** Lines of output in which something was found, oldest first. */
export type SearchResult = {
  /** What was searched, in all output. */
  readonly from: number
  readonly offset: number
  readonly matches: readonly FoundLine[]
  /** There are older ones. */
  readonly hasMore: boolean
}

export type FoundLine = {
  /** Of the first byte of the line. */
  readonly offset: number
  /** Without escapes; at most 2,000 characters. */
  readonly line: string
}
