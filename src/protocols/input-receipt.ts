/** What became of a write with a key. */
export type InputReceipt = {
  /**
   * `applied`: all of it is with the kernel, where the program finds it when it reads; `queued`: it waits for the program;
   * `dropped`: the process ended before it was whole; `unknown`: it never came, was refused, or is forgotten.
   */
  readonly state: 'applied' | 'queued' | 'dropped' | 'unknown'
  /** How much of it is with the kernel, the brackets of a paste counted. */
  readonly appliedBytes: number
  /** The offset in all input of this PTY after the last of these bytes; null where there are none. */
  readonly offset: number | null
}
