/** Defaults of what an actor's definition may set. ms. */
export const INIT_LIMIT_MS = 30_000
export const HANDLER_LIMIT_MS = 60_000
export const MAILBOX_LIMIT = 10_000
/** For an actor that ends by itself under a brutal shutdown, which leaves no time of its own. */
export const TERMINATE_LIMIT_MS = 5_000
