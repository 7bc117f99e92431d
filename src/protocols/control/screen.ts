/** What is on a screen, without the bytes that draw it. */
export type ScreenInfo = {
  /** Columns and rows of the terminal that it is drawn for. */
  readonly cols: number
  readonly rows: number
  /** A program fills the screen. */
  readonly altScreen: boolean
  /** Empty where none was set. */
  readonly title: string
  /** False: something that was put out long ago may be on the screen, and missing here. */
  readonly complete: boolean
}

/** The body of a screen frame: one that is drawn by so many bytes, or why none can be drawn. Then recent output follows. */
export type ScreenBody = (ScreenInfo & { readonly bytes: number }) | { readonly unavailable: string }

/** Of several who are attached, whose size a terminal has. */
export type WindowSize = 'latest' | 'smallest' | 'fixed'
export const WINDOW_SIZES: readonly ['latest', 'smallest', 'fixed'] = ['latest', 'smallest', 'fixed']
