/** A copy, also of a Buffer, whose own `slice` is a view. */
export const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)
