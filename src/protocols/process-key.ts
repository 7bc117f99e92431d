/** Which process a record names: pid, start time and boot id together never mean another (see the process table). */
export type ProcessKey = { readonly pid: number; readonly startTime: string; readonly bootId: string }

export const sameProcess = (one: ProcessKey, other: ProcessKey): boolean =>
  one.pid === other.pid && one.startTime === other.startTime && one.bootId === other.bootId
