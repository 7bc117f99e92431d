/**
 * `fault`: of the outside (file system, git, the kernel); `defect`: ours; `usage`: the caller's; `interrupt`: somebody
 * asked to stop.
 */
export type ErrorKind = 'fault' | 'defect' | 'usage' | 'interrupt'

/** The only place where an error code is born. `docs/reference/errors.md` is generated from it. */
export const CATALOGUE = {
  // ids and plans
  ERR_ID_INVALID: {
    kind: 'usage',
    text: 'A text is not an id of the expected kind.',
    next: 'Use an id as printed by signalbox, such as ln_ and 26 characters.',
    retryable: false,
  },
  ERR_PLAN_NOT_FOUND: {
    kind: 'usage',
    text: 'The plan file does not exist or cannot be read.',
    next: 'Check the path of the plan.',
    retryable: false,
  },
  ERR_PLAN_SYNTAX: {
    kind: 'usage',
    text: 'The plan is not valid YAML or JSON.',
    next: 'Correct the text at the line and column in the message.',
    retryable: false,
  },
  ERR_PLAN_UNKNOWN_KEY: {
    kind: 'usage',
    text: 'The plan has a key that signalbox does not know.',
    next: 'Use the suggested key, or remove it.',
    retryable: false,
  },
  ERR_PLAN_INVALID: {
    kind: 'usage',
    text: 'A value in the plan is missing, of the wrong type, or out of range.',
    next: 'Correct the value that the message names.',
    retryable: false,
  },
  ERR_PLAN_DUPLICATE: { kind: 'usage', text: 'The plan names one thing twice.', next: 'Rename one of the two.', retryable: false },
  ERR_PLAN_CYCLE: {
    kind: 'usage',
    text: 'Lanes wait for each other in a circle.',
    next: 'Remove one `after` of the circle in the message.',
    retryable: false,
  },
  ERR_PLAN_UNKNOWN_LANE: {
    kind: 'usage',
    text: '`after` names a lane that is not in the plan.',
    next: 'Use the suggested name, or add the lane.',
    retryable: false,
  },
  // configuration
  ERR_CONFIG_UNREADABLE: {
    kind: 'usage',
    text: 'A configuration file is there but cannot be read.',
    next: 'Check the permissions of the file in the message.',
    retryable: false,
  },
  ERR_CONFIG_SYNTAX: {
    kind: 'usage',
    text: 'A configuration file is not valid YAML.',
    next: 'Correct the text at the line and column in the message.',
    retryable: false,
  },
  ERR_CONFIG_UNKNOWN_KEY: {
    kind: 'usage',
    text: 'A setting is not known.',
    next: '`signalbox config explain` lists the settings.',
    retryable: false,
  },
  ERR_CONFIG_INVALID: {
    kind: 'usage',
    text: 'A setting is of the wrong type, out of range, or given twice.',
    next: '`signalbox config explain` shows what each setting means.',
    retryable: false,
  },
  // workspaces and git
  ERR_GIT_MISSING: { kind: 'fault', text: 'No `git` is on the PATH.', next: 'Install git 2.30 or later.', retryable: false },
  ERR_GIT_TOO_OLD: { kind: 'fault', text: 'The git on the PATH is too old.', next: 'Install git 2.30 or later.', retryable: false },
  ERR_GIT_FAILED: {
    kind: 'fault',
    text: 'A git command failed for a cause that signalbox does not know.',
    next: 'Read the output of git in the message.',
    retryable: false,
  },
  ERR_GIT_LOCKED: {
    kind: 'fault',
    text: 'Another git process holds a lock file.',
    next: 'Wait for that process, or remove the named file if no git runs.',
    retryable: true,
  },
  ERR_WORKSPACE_NOT_FOUND: {
    kind: 'usage',
    text: 'The directory is not in a git repository.',
    next: 'Change to a git repository, or run `git init`.',
    retryable: false,
  },
  ERR_WORKSPACE_BARE: {
    kind: 'usage',
    text: 'The repository is bare: it has no working tree.',
    next: 'Run signalbox in a clone of it.',
    retryable: false,
  },
  ERR_WORKSPACE_NO_COMMITS: {
    kind: 'usage',
    text: 'The repository has no commits, so no lane can start from one.',
    next: 'Make a first commit.',
    retryable: false,
  },
  ERR_WORKSPACE_READ_ONLY: {
    kind: 'fault',
    text: 'The repository cannot be written to.',
    next: 'Check the permissions and the mount of the directory in the message.',
    retryable: false,
  },
  ERR_WORKTREE_BASE_NOT_FOUND: {
    kind: 'usage',
    text: 'The base of a lane is not a commit, branch or tag of the repository.',
    next: 'Use an existing ref; `git branch -a` lists them.',
    retryable: false,
  },
  ERR_WORKTREE_BRANCH_EXISTS: {
    kind: 'usage',
    text: 'The branch of a lane exists already.',
    next: 'Choose another lane name or branch prefix.',
    retryable: false,
  },
  ERR_WORKTREE_BRANCH_CHECKED_OUT: {
    kind: 'usage',
    text: 'The branch is checked out in another worktree.',
    next: 'Use the worktree in the message, or another branch.',
    retryable: false,
  },
  ERR_WORKTREE_BRANCH_INVALID: {
    kind: 'usage',
    text: 'A text cannot be the name of a git branch.',
    next: 'Choose another lane name or branch prefix; `git help check-ref-format` has the rules.',
    retryable: false,
  },
  ERR_WORKTREE_PATH_EXISTS: {
    kind: 'fault',
    text: 'The directory for a worktree exists already.',
    next: 'Remove it if it holds nothing of value.',
    retryable: false,
  },
  ERR_WORKTREE_LOCKED: {
    kind: 'fault',
    text: 'The worktree is locked.',
    next: 'Run `git worktree unlock` if nobody uses it.',
    retryable: true,
  },
  ERR_WORKTREE_DIRTY: {
    kind: 'usage',
    text: 'The worktree holds work that removal would destroy.',
    next: 'Commit it or move it away, then remove the worktree.',
    retryable: false,
  },
  ERR_WORKTREE_NOT_FOUND: { kind: 'fault', text: 'The worktree is gone.', next: 'Run `signalbox doctor`.', retryable: false },
  ERR_LANE_COPY_FAILED: {
    kind: 'usage',
    text: 'A file named by `copy` cannot be copied into the lane.',
    next: 'Name a file inside the repository that exists.',
    retryable: false,
  },
  ERR_DISK_FULL: { kind: 'fault', text: 'The disk is full.', next: 'Free space on the file system in the message.', retryable: true },
  // machines
  ERR_LANE_INVALID_TRANSITION: {
    kind: 'defect',
    text: 'A lane was sent an event that its state cannot take.',
    next: 'Look at `signalbox why LANE`.',
    retryable: false,
  },
  ERR_PTY_INVALID_TRANSITION: {
    kind: 'defect',
    text: 'A PTY was sent an event that its state cannot take.',
    next: 'Look at `signalbox why LANE/COMMAND`.',
    retryable: false,
  },
  // terminals
  ERR_PTY_COMMAND_NOT_FOUND: {
    kind: 'usage',
    text: 'The command does not exist.',
    next: 'Check its name and the PATH of the lane.',
    retryable: false,
  },
  ERR_PTY_COMMAND_NOT_EXECUTABLE: {
    kind: 'usage',
    text: 'The command is there but cannot be executed.',
    next: 'Make it executable (`chmod +x`), or name its interpreter.',
    retryable: false,
  },
  ERR_PTY_CWD_NOT_FOUND: {
    kind: 'fault',
    text: 'The working directory of a command does not exist.',
    next: 'If somebody removed the worktree, let go of the lane: `signalbox lane rm LANE`, or run the plan again.',
    retryable: false,
  },
  ERR_PTY_INVALID_ARGUMENT: {
    kind: 'usage',
    text: 'A size, argument or environment entry of a command is invalid.',
    next: 'Correct the value in the message.',
    retryable: false,
  },
  ERR_PTY_SPAWN_FAILED: {
    kind: 'fault',
    text: 'The system could not start a process on a terminal.',
    next: 'Free what the message names (descriptors, terminals, processes, memory), then retry.',
    retryable: true,
  },
  ERR_PTY_ENDED: { kind: 'usage', text: 'The process behind a terminal has ended.', next: 'Start a new one.', retryable: false },
  ERR_PTY_INPUT_FULL: {
    kind: 'fault',
    text: 'The input queue of a terminal is full because its program does not read.',
    next: 'Wait until the program reads.',
    retryable: true,
  },
  ERR_PTY_UNSUPPORTED: {
    kind: 'fault',
    text: 'This platform cannot do what was asked of a terminal.',
    next: 'See docs/reference/platforms.md.',
    retryable: false,
  },
  ERR_EXEC_HELPER_MISSING: {
    kind: 'fault',
    text: 'The exec helper of signalbox is not built.',
    next: 'Run `signalbox doctor --fix` with a C compiler on the PATH.',
    retryable: false,
  },
  ERR_LOG_FAILED: {
    kind: 'fault',
    text: 'A log file cannot be written.',
    next: 'Check the state directory in the message.',
    retryable: true,
  },
  // store
  ERR_STORE_FAILED: {
    kind: 'fault',
    text: 'The record of runs cannot be read or written.',
    next: 'Check the state directory in the message.',
    retryable: true,
  },
  ERR_STORE_TOO_NEW: {
    kind: 'fault',
    text: 'The record of runs was written by a newer signalbox.',
    next: 'Use that version, or another state directory.',
    retryable: false,
  },
  ERR_STORE_CLOSED: { kind: 'defect', text: 'The record of runs was used after it was closed.', next: 'Report this.', retryable: false },
  // bus
  ERR_BUS_TOPIC_INVALID: {
    kind: 'usage',
    text: 'A text is not a topic, or not a pattern of topics.',
    next: 'Use a topic such as lane.created, or a prefix such as lane.* or *.',
    retryable: false,
  },
  ERR_BUS_PAYLOAD_TOO_LARGE: {
    kind: 'usage',
    text: 'A payload is larger than 1 MB.',
    next: 'Send less, or put it into a file and send its path.',
    retryable: false,
  },
  // kernel and supervisors
  ERR_ACTOR_NOT_FOUND: {
    kind: 'fault',
    text: 'No actor of this name runs now.',
    next: 'Look at the tree: signalbox tree.',
    retryable: true,
  },
  ERR_ACTOR_SUSPENDED: {
    kind: 'fault',
    text: 'The actor that would have to act is suspended.',
    next: 'Resume it: signalbox resume ACTOR.',
    retryable: true,
  },
  ERR_DEAD_LETTER_NOT_FOUND: {
    kind: 'usage',
    text: 'No dead letter of this number is kept.',
    next: 'See those that are: signalbox dead-letters.',
    retryable: false,
  },
  ERR_DEAD_LETTER_PRIVATE: {
    kind: 'usage',
    text: 'The message was of an actor to itself, and means nothing to another incarnation.',
    next: 'Nothing: the next incarnation has begun with what is recorded.',
    retryable: false,
  },
  ERR_ACTOR_STOPPED: { kind: 'fault', text: 'The actor ended before it answered.', next: 'Retry.', retryable: true },
  ERR_ACTOR_RESTARTED: { kind: 'fault', text: 'The actor was restarted before it answered.', next: 'Retry.', retryable: true },
  ERR_ACTOR_FENCED: { kind: 'defect', text: 'An incarnation that was given up tried to act.', next: 'Report this.', retryable: false },
  ERR_ACTOR_INIT_FAILED: { kind: 'fault', text: 'An actor could not start.', next: 'See the cause.', retryable: false },
  ERR_ACTOR_HANDLER_FAILED: { kind: 'defect', text: 'The handler of a message failed.', next: 'See the cause.', retryable: true },
  ERR_MAILBOX_FULL: { kind: 'fault', text: 'The mailbox of an actor is full.', next: 'Wait, then retry.', retryable: true },
  ERR_ASK_TIMEOUT: { kind: 'fault', text: 'No answer came within the time limit.', next: 'Retry, or allow more time.', retryable: true },
  ERR_ASK_CANCELLED: {
    kind: 'interrupt',
    text: 'Who asked gave the answer up.',
    next: 'Retry, if it is wanted after all.',
    retryable: true,
  },
  ERR_SUPERVISOR_INTENSITY: {
    kind: 'fault',
    text: 'A child was restarted as often as its plan allows and failed again.',
    next: 'Look at `signalbox why`; raise `intensity` if this is expected.',
    retryable: false,
  },
  ERR_SUPERVISOR_ESCALATED: {
    kind: 'fault',
    text: 'A child ended in a way for which its supervisor gives up, or waited as often as it may.',
    next: 'Look at `signalbox why`; remove the cause, or allow more waits (`classify` in the plan).',
    retryable: false,
  },
  ERR_SUPERVISOR_CHILD_EXISTS: {
    kind: 'defect',
    text: 'A supervisor has a child of this name already.',
    next: 'Report this.',
    retryable: false,
  },
  ERR_SUPERVISOR_CHILD_NOT_FOUND: {
    kind: 'defect',
    text: 'A supervisor has no child of this name.',
    next: 'Look at the tree of the run.',
    retryable: false,
  },
  ERR_SUPERVISOR_CHILD_RUNS: {
    kind: 'defect',
    text: 'The child runs, or is about to: only one that was ended can be started again or deleted.',
    next: 'Terminate it first.',
    retryable: true,
  },
  ERR_SUPERVISOR_SPEC_INVALID: {
    kind: 'defect',
    text: 'The description of a supervisor or child contradicts itself.',
    next: 'Report this.',
    retryable: false,
  },
  ERR_OPTION_INVALID: {
    kind: 'usage',
    text: 'An option of a system or of a trace is out of its range.',
    next: 'See the range in the message.',
    retryable: false,
  },
  // lanes and terminals of a running orchestrator
  ERR_LANE_NOT_FOUND: {
    kind: 'usage',
    text: 'No lane has this name or id.',
    next: '`signalbox lane ls` lists the lanes.',
    retryable: false,
  },
  ERR_LANE_EXISTS: {
    kind: 'usage',
    text: 'A lane of this name is there already.',
    next: 'Choose another name, or remove that lane.',
    retryable: false,
  },
  ERR_LANE_NOT_READY: {
    kind: 'usage',
    text: 'The lane has no worktree yet, is being removed, or belongs to a run, which alone decides about it.',
    next: 'See the message.',
    retryable: false,
  },
  ERR_TERMINAL_NOT_FOUND: {
    kind: 'usage',
    text: 'No terminal has this name or id.',
    next: '`signalbox term ls` lists the terminals.',
    retryable: false,
  },
  ERR_TERMINAL_EXISTS: {
    kind: 'usage',
    text: 'A terminal of this name runs in the lane already.',
    next: 'Choose another name, or end that terminal.',
    retryable: false,
  },
  ERR_PTY_LOST: {
    kind: 'fault',
    text: 'The process behind a terminal was lost with the orchestrator that held it.',
    next: 'Start it again; its log is kept.',
    retryable: false,
  },
  // the control socket
  ERR_CONTROL_NOT_RUNNING: {
    kind: 'fault',
    text: 'No orchestrator listens at the control socket.',
    next: 'Start one with `signalbox up`.',
    retryable: true,
  },
  ERR_CONTROL_IN_USE: {
    kind: 'usage',
    text: 'Another orchestrator listens at the control socket.',
    next: 'Use that one, or stop it with `signalbox down`.',
    retryable: false,
  },
  ERR_CONTROL_SOCKET_FAILED: {
    kind: 'fault',
    text: 'The control socket cannot be made or reached.',
    next: 'Check the directory in the message and who owns it.',
    retryable: false,
  },
  ERR_CONTROL_LOST: {
    kind: 'fault',
    text: 'The connection to the orchestrator ended before the answer came.',
    next: '`signalbox up` starts it again, unless it runs; a call that changes something may be repeated with its key.',
    retryable: true,
  },
  ERR_CONTROL_CLOSED: { kind: 'usage', text: 'The control client was closed.', next: 'Connect again.', retryable: false },
  ERR_CONTROL_LINE_INVALID: {
    kind: 'usage',
    text: 'What came over a control connection is not of the protocol; the connection was closed.',
    next: 'Send one JSON object a line, of at most 1 MB.',
    retryable: false,
  },
  ERR_CONTROL_VERSION: {
    kind: 'usage',
    text: 'Client and orchestrator have no version of the control protocol in common.',
    next: 'Use the signalbox that started the orchestrator, or restart the orchestrator.',
    retryable: false,
  },
  ERR_CONTROL_METHOD_NOT_FOUND: {
    kind: 'usage',
    text: 'The orchestrator has no method of this name.',
    next: 'See docs/reference/methods.md.',
    retryable: false,
  },
  ERR_CONTROL_PAYLOAD_INVALID: {
    kind: 'usage',
    text: 'The payload of a call is not what the method takes.',
    next: 'Correct what the message names; see docs/reference/methods.md.',
    retryable: false,
  },
  ERR_CONTROL_KEY_REUSED: {
    kind: 'usage',
    text: 'An idempotency key was used before for another call.',
    next: 'Use a new key for each call.',
    retryable: false,
  },
  ERR_CONTROL_INTERRUPTED: {
    kind: 'fault',
    text: 'The orchestrator died while it carried this call out, so it is not known how far it came.',
    next: 'Look at the present state, then call with a new key.',
    retryable: false,
  },
  ERR_CONTROL_UNREAD: {
    kind: 'fault',
    text: 'A client did not read what was sent to it, and was cut off.',
    next: 'Read, or subscribe to less.',
    retryable: true,
  },
  ERR_CONTROL_FAILED: {
    kind: 'fault',
    text: 'The orchestrator failed for a cause that this client does not know.',
    next: 'Read the message.',
    retryable: false,
  },
  // runs and command line
  ERR_CRASH_NOT_FOUND: {
    kind: 'usage',
    text: 'No crash of this id is on record.',
    next: 'Run `signalbox crashes`; old ones go first.',
    retryable: false,
  },
  ERR_RUN_NOT_FOUND: {
    kind: 'usage',
    text: 'No such run, lane or command is recorded.',
    next: '`signalbox runs` lists what is.',
    retryable: false,
  },
  ERR_RUN_INTERRUPTED: { kind: 'interrupt', text: 'The run was interrupted.', next: 'Start it again.', retryable: false },
  ERR_RUNTIME_CLOSED: { kind: 'usage', text: 'The runtime was closed.', next: 'Start a new one.', retryable: false },
  ERR_USAGE: { kind: 'usage', text: 'The command line is wrong.', next: 'See `signalbox help`.', retryable: false },
  // the orchestrator as a service
  ERR_ORCHESTRATOR_RUNS: {
    kind: 'usage',
    text: 'Another orchestrator runs on this repository.',
    next: 'Use that one; `signalbox status` shows it, `signalbox down` ends it.',
    retryable: false,
  },
  ERR_ORCHESTRATOR_NOT_RUNNING: {
    kind: 'usage',
    text: 'No orchestrator runs on this repository.',
    next: 'Start it with `signalbox up`.',
    retryable: false,
  },
  ERR_ORCHESTRATOR_FAILED: {
    kind: 'fault',
    text: 'The orchestrator did not start, or did not stop.',
    next: 'Read its last lines in the message; `signalbox logs` has more.',
    retryable: false,
  },
  ERR_SERVICE_FAILED: {
    kind: 'fault',
    text: 'The service file could not be written, or the session manager did not take it.',
    next: 'Read what it said in the message; `signalbox service install --dry-run` shows the file and the commands.',
    retryable: false,
  },
  // the test kit
  ERR_FAULT_PLANTED: {
    kind: 'fault',
    text: 'A test planted this fault (`signalbox/testing`).',
    next: 'See what the actor makes of it.',
    retryable: false,
  },
  ERR_MACHINE_INVALID_TRANSITION: {
    kind: 'usage',
    text: 'A state machine that is being checked cannot take this event in its present state.',
    next: 'See state and event in the message.',
    retryable: false,
  },
  ERR_SIMULATION_STUCK: {
    kind: 'usage',
    text: 'A simulated tree does not come to rest.',
    next: 'Look for a promise that nothing settles, or a timer that is set again for ever.',
    retryable: false,
  },
  ERR_COUNTEREXAMPLE_INVALID: {
    kind: 'usage',
    text: 'The file is not a counterexample that `signalbox fuzz` wrote, or what it names is gone.',
    next: 'See the message; a counterexample whose property was removed can be removed too.',
    retryable: false,
  },
  ERR_PROPERTIES_NOT_FOUND: {
    kind: 'usage',
    text: 'No file exports a property.',
    next: 'Export what `property(...)` of signalbox/testing returns from a file named *.prop.ts or *.prop.js.',
    retryable: false,
  },
  ERR_NODE_TOO_OLD: { kind: 'usage', text: 'This Node.js is too old.', next: 'Use Node.js 24.18 or later.', retryable: false },
} as const

export type ErrorCode = keyof typeof CATALOGUE
