import type { TerminalText } from '../../protocols/terminal-text.ts'

/** To the thread of screens. Carried out one after the other; each is answered with `done`. */
export type ToScreens =
  | { readonly do: 'open'; readonly id: number; readonly cols: number; readonly rows: number; readonly scrollback: number }
  | { readonly do: 'feed'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly do: 'resize'; readonly id: number; readonly cols: number; readonly rows: number }
  | { readonly do: 'snapshot'; readonly id: number; readonly scrollback: number }
  | { readonly do: 'close'; readonly id: number }
  | TextRequest
  | SearchRequest

/** A screen as it is, to be written to a new terminal. */
export type DrawnScreen = {
  readonly cols: number
  readonly rows: number
  readonly bytes: Uint8Array
  readonly altScreen: boolean
  readonly title: string
}

export type TextRequest = {
  readonly do: 'text'
  readonly id: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly cols: number
  readonly rows: number
  readonly lines: number
  readonly lastCommand: boolean
}
export type SearchRequest = {
  readonly do: 'search'
  readonly id: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly pattern: string
  readonly regex: boolean
  readonly ignoreCase: boolean
  readonly limit: number
}

/** `start` and `end`: of what it was made of, in the bytes of the request. */
export type DrawnText = Pick<TerminalText, 'lines' | 'isCut' | 'altScreen' | 'command'> & { readonly start: number; readonly end: number }
export type FoundLines = { readonly found: readonly { readonly at: number; readonly line: string }[]; readonly hasMore: boolean }

/** From it. `error`: this screen cannot go on, and is closed. */
export type FromScreens = {
  readonly done: ToScreens['do']
  readonly drawn?: DrawnScreen
  readonly text?: DrawnText | null
  readonly found?: FoundLines
  readonly error?: string
}
