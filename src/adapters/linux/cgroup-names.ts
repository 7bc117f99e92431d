/** What directories of ours begin with. */
export const PREFIX = 'signalbox.'
/** A group below the one that a delegated service was started in: this process moves there, as a group that gives controllers on must hold none itself. */
export const OWN_PLACE = 'signalbox-self'

/** Parts of a mark as ids have them; a dot between them is then unambiguous. */
const MARK = /^[\w-]+(\/[\w-]+)+$/u

/** @returns `signalbox.ws_1.pt_2.1` for the mark `ws_1/pt_2/1`, or null for one that cannot be a name. */
export const cgroupName = (mark: string): string | null =>
  MARK.test(mark) && mark.length < 200 ? PREFIX + mark.replaceAll('/', '.') : null

/** @returns the mark that a directory's name tells, or null where it is none of ours. */
export const markOfName = (name: string): string | null => {
  if (!name.startsWith(PREFIX)) return null
  const mark = name.slice(PREFIX.length).replaceAll('.', '/')
  return MARK.test(mark) ? mark : null
}

/**
 * @param text /proc/PID/cgroup
 * @returns the mark of the innermost group of ours that the process is in, or null.
 */
export const markOfCgroups = (text: string): string | null => {
  if (!text.includes(`/${PREFIX}`)) return null
  for (const line of text.split('\n')) {
    // What ended in a group that was removed since. Source: Documentation/admin-guide/cgroup-v2.rst, "Processes"
    const mark = line
      .replace(/ \(deleted\)$/u, '')
      .split('/')
      .toReversed()
      .map(markOfName)
      .find((found) => found !== null)
    if (mark !== undefined) return mark
  }
  return null
}
