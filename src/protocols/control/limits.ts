/** Version of the control protocol that this signalbox speaks. */
export const CONTROL_VERSION = 1

/** Limits of the control protocol. Bytes and ms. */
export const CONTROL_LIMITS = {
  /** A line without its line feed. */
  lineBytes: 1_000_000,
  /** From connecting to the line that says hello. */
  helloMs: 10_000,
  /** From the first byte of a line to its line feed. */
  lineMs: 30_000,
  /** Requests of one connection that are carried out at once; the next is read when one is answered. */
  requests: 64,
  /** What waits for a client to read before its requests are read no more and events become a gap. */
  unreadBytes: 1_000_000,
  /** How long a client may leave that unread before it is cut off. */
  unreadMs: 30_000,
  /** Subscriptions of one connection. */
  subscriptions: 64,
  /** The body of a frame. */
  frameBytes: 1_000_000,
  /** Output that may be under way to an attached client, and input from it. */
  windowBytes: 262_144,
  /** Idempotency keys that are remembered, the newest. */
  keys: 4_096,
} as const

/** The longest path of a Unix socket, in bytes. Source: sun_path of Linux (108) and of macOS (104), less the NUL at its end */
export const socketPathLimit = (platform: NodeJS.Platform): number => (platform === 'darwin' ? 103 : 107)
