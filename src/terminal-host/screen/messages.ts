/** To the thread of screens. Carried out one after the other; each is answered with `done`. */
export type ToScreens =
  | { readonly do: 'open'; readonly id: number; readonly cols: number; readonly rows: number; readonly scrollback: number }
  | { readonly do: 'feed'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly do: 'resize'; readonly id: number; readonly cols: number; readonly rows: number }
  | { readonly do: 'snapshot'; readonly id: number; readonly scrollback: number }
  | { readonly do: 'close'; readonly id: number }

/** A screen as it is, to be written to a new terminal. */
export type DrawnScreen = {
  readonly cols: number
  readonly rows: number
  readonly bytes: Uint8Array
  readonly altScreen: boolean
  readonly title: string
}

/** From it. `error`: this screen cannot go on, and is closed. */
export type FromScreens = { readonly done: ToScreens['do']; readonly drawn?: DrawnScreen; readonly error?: string }
