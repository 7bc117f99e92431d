/** The failures that are planted, in the order of docs/reference/why.md: title, and how each is planted. */
export const FAILURES: Readonly<Record<string, readonly [title: string, planted: string]>> = {
  // a command
  'crash-loop': [
    'A command that crashes again and again, and is given up',
    'It ends with exit code 3 each time; two restarts are allowed.',
  ],
  backoff: ['A command that crashed and waits for its next attempt', 'It ends with exit code 3; the backoff is 30 s.'],
  'killed-from-outside': ['A process that somebody killed', 'The test sends it SIGTERM, past signalbox.'],
  segfault: ['A program that crashes by a fault of its own', 'It ends by SIGSEGV.'],
  'out-of-memory': ['A program that runs out of memory and says so', 'Python, with less memory than it wants.'],
  'killed-for-memory': ['A process that the system kills for memory', 'It runs in a control group with 20 MB, and wants more.'],
  'not-found': ['A command that does not exist', 'Its program is on no PATH.'],
  'not-executable': ['A command that cannot be executed', 'A script in the repository without the bit to execute it.'],
  authentication: ['A command that is not logged in', 'It says so as an agent does, and ends with exit code 1.'],
  'rate-limit': ['A command that is rate-limited, and waits', 'It says so, and when to come back.'],
  'rate-limit-over': ['A command that was rate-limited too often', 'It says so each time; three waits in a row are allowed.'],
  'command-waits': ['A command that waits for the one before it', 'The one before it runs on.'],
  'worktree-removed': ['A worktree that was removed while its lane ran', 'The test removes it between two commands.'],
  'ignores-sigterm': ['A command that ignores SIGTERM and is killed', 'It traps SIGTERM; its grace is 0.3 s; its run is stopped.'],
  'stopping-now': ['A command that is being stopped, and does not end', 'It traps SIGTERM; its grace is 30 s.'],
  'stopped-by-user': ['A terminal that somebody ended', 'A client of the control socket, whose name is ada, ends it.'],
  // a lane
  'lane-after': ['A lane that waits for another', 'The lane before it (`after`) runs on.'],
  'lane-skipped': ['A lane that is skipped, as the one before it failed', 'The lane before it fails.'],
  'lane-parallel': ['A lane that waits for a free place', 'One lane at once (`parallel`), and that one runs on.'],
  'git-lock': ['A lane whose git waits for a lock', 'The test holds the lock of its branch.'],
  'git-lock-failed': ['A lane whose git waited for a lock in vain', 'The test holds the lock of its branch until git gives up.'],
  'base-missing': ['A lane whose base does not exist', 'Its plan names a branch that is not there.'],
  'copy-missing': ['A lane whose files cannot be copied', 'Its plan names a file that is not there (`copy`).'],
  'worktree-gone': ['A lane of its own whose worktree somebody removed', 'The test makes a lane and removes its directory.'],
  'work-kept': ['A lane that succeeded and whose worktree is still there', 'Its command leaves a file that is not committed.'],
  // signalbox itself
  'hung-handler': ['A lane that hangs inside signalbox', 'A handler of its actor never returns.'],
  'full-mailbox': ['An actor whose mailbox is full', 'Its handler never returns, and 10,003 messages come.'],
  'refused-transition': [
    'A state machine that refused an event',
    'The actor of a running lane is told a second time that its worktree is there.',
  ],
  'dead-letter': ['A message to a lane that had ended', 'It is told to stop when nothing of it is left.'],
  'disk-full': [
    'A full disk',
    'The state directory lies on a file system of 2 MB, which is filled while a lane runs. This is said once there is room again; before, `why` ends with `ERR_DISK_FULL` and the path.',
  ],
  'killed-orchestrator': ['An orchestrator that was killed', '`kill -9` while it ran a plan; nothing was started since.'],
  'recovered-orchestrator': [
    'An orchestrator that was killed, seen from the next one',
    'As before; then `signalbox up` and `signalbox doctor --fix`.',
  ],
}
