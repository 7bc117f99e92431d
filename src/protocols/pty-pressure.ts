/** Output of a PTY comes faster than it is taken, or than there is room for. */
export type PtyPressure =
  | {
      /** The slowest reader, or the ring where nobody reads, is three quarters behind. Told again once that has gone below a half. */
      readonly kind: 'backpressure'
      /** ms since the epoch. */
      readonly at: number
      /** Of what is allowed: 0.75 and more. */
      readonly fill: number
      /** Output that is not read. */
      readonly behindBytes: number
      /** Who is behind: `lossless` soon slows the process, `lossy` soon meets a gap, `nobody` reads and the ring fills. */
      readonly reader: 'lossless' | 'lossy' | 'nobody'
    }
  | {
      /** The ring has given up its oldest output: whoever reads later meets a gap. */
      readonly kind: 'overflow'
      readonly at: number
      /** Of the ring; less than 1 where the memory of all rings is short. */
      readonly fill: number
      /** Since the overflow told before. */
      readonly droppedBytes: number
      /** Of these, what a reader that was there had not read. */
      readonly unreadBytes: number
      /** Ever. */
      readonly totalBytes: number
    }
