/*
 * pane-holder: the first process of a pane of the private tmux server (docs/adr/0019).
 *
 *   pane-holder hold DIRECTORY SOCKET TOKEN   runs the command of one terminal and keeps how it ended
 *   pane-holder keep DIRECTORY SOCKET TOKEN   keeps the server alive while a host is connected or a terminal is held
 *   pane-holder run COMMAND [ARG ...]         runs COMMAND without descriptors >= 3 until it ends, or its input hangs up
 *
 * It connects to SOCKET and says TOKEN and its pid. When that connection ends, the next host connects to
 * DIRECTORY/PID.p; the newest connection is the one that counts. A host sends frames: a letter, the length as 4 bytes
 * (little-endian), the payload.
 *   X  cols, rows (2 bytes each), the number of arguments (4 bytes), the arguments and the environment, each with its
 *      NUL: starts the command on this terminal, in a session of its own. Once.
 *   W  cols, rows: the size         S, R  stops output in the kernel, and lets it go on
 *   I  asks to be told when the program has read its input    F  puts the payload out after everything else
 *   Q  ends this process, which closes the pane
 * It answers by lines: `H PID STATE CODE SIGNAL` at a connection, `P PID` when started, `E CODE SIGNAL` at the end of the
 * command, `I` as asked. The command does not carry anything of tmux: neither its environment nor its descriptors.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* How long the end of a command is kept for a host that does not come. */
#define KEEP_END_S (7L * 24 * 3600)
/* How long a server without terminals waits for the next host. */
#define KEEP_SERVER_S 10L
/* A program that has less than this to read has read its input. */
#define LOW_INPUT 1024
#define MAX_FRAME (16u * 1024 * 1024)

static char tty_path[256], listen_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static const char *directory;
static int tty_fd = -1, conn_fd = -1, listen_fd = -1, child_pipe[2];
static pid_t child = 0;
static int ended = 0, end_code = 0, end_signal = 0, keeper = 0, input_asked = 0, input_delay = 1;
static char *held;
static size_t held_length = 0, held_size = 0;
static char *last_words;
static size_t last_length = 0, last_done = 0;

static long now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long)now.tv_sec;
}

static void close_from_3(void) {
#if defined(__linux__) && defined(SYS_close_range)
  if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0) return;
#endif
  long limit = sysconf(_SC_OPEN_MAX);
  if (limit < 0 || limit > 65536) limit = 65536;
  for (int fd = 3; fd < limit; fd++) close(fd);
}

static _Noreturn void leave(int code) {
  if (listen_path[0] != '\0') unlink(listen_path);
  _exit(code);
}

static int with_flags(int fd) {
  if (fd >= 0) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
  return fd;
}

static int address_of(struct sockaddr_un *address, const char *path) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) return -1;
  strcpy(address->sun_path, path);
  return 0;
}

static int connect_to(const char *path) {
  struct sockaddr_un address;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0 || address_of(&address, path) != 0) return -1;
  while (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
    if (errno != EINTR) return -1;
  return fd;
}

static int listen_at(const char *path) {
  struct sockaddr_un address;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0 || address_of(&address, path) != 0) return -1;
  unlink(path); /* of a process that had this pid before */
  umask(077);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 8) != 0) return -1;
  return fd;
}

static void hang_up(void) {
  if (conn_fd >= 0) close(conn_fd);
  conn_fd = -1;
  held_length = 0;
  input_asked = 0;
  /* Nobody reads for whom it would have to wait. */
  if (tty_fd >= 0) tcflow(tty_fd, TCOON);
}

static void say(const char *text) {
  size_t length = strlen(text);
  /* A few bytes at a time to a host that reads: a full buffer means that it does not. */
  if (conn_fd >= 0 && send(conn_fd, text, length, MSG_NOSIGNAL) != (ssize_t)length) hang_up();
}

static void say_end(void) {
  char text[64];
  snprintf(text, sizeof text, "E %d %d\n", end_code, end_signal);
  say(text);
}

static void on_child(int number) {
  int saved = errno;
  (void)number;
  if (write(child_pipe[1], "c", 1) < 0) errno = saved;
  errno = saved;
}

static void ignore_signals(void) {
  /* tmux, a shell's `kill 0` or a hang-up must not end what keeps the exit; SIGKILL does, and is told as a loss. */
  const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH };
  for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) signal(numbers[index], SIG_IGN);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_child;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* @returns whether the terminal is there: when its session ends, the kernel hangs up every descriptor of it, also ours. */
static int reopen_tty(void) {
  int fd = open(tty_path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return 0;
  if (tty_fd >= 0) close(tty_fd); /* after the open: while one is open, its number goes to nobody else */
  tty_fd = fd;
  return 1;
}

static void set_size(const unsigned char *at) {
  struct winsize size;
  memset(&size, 0, sizeof size);
  size.ws_col = (unsigned short)(at[0] | at[1] << 8);
  size.ws_row = (unsigned short)(at[2] | at[3] << 8);
  ioctl(tty_fd, TIOCSWINSZ, &size);
}

static void start(char *payload, size_t length) {
  const unsigned char *head = (const unsigned char *)payload;
  if (length < 9 || child != 0 || payload[length - 1] != '\0') leave(124);
  uint32_t argc = head[4] | (uint32_t)head[5] << 8 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 24;
  set_size(head);
  size_t strings = 0;
  for (size_t at = 8; at < length; at++) strings += payload[at] == '\0';
  if (argc == 0 || argc > strings) leave(124);
  char **vector = calloc(strings + 2, sizeof *vector);
  if (vector == NULL) leave(126);
  size_t index = 0, slot = 0;
  for (char *at = payload + 8; index < strings; at += strlen(at) + 1, index++) {
    if (index == argc) slot++; /* the NULL between arguments and environment */
    vector[slot++] = at;
  }
  char **environment = vector + argc + 1;
  /* The session of the command is to own the terminal. */
  ioctl(tty_fd, TIOCNOTTY, 0);
  child = fork();
  if (child < 0) leave(126);
  if (child == 0) {
    setsid();
    int fd = open(tty_path, O_RDWR);
    if (fd < 0) _exit(126);
    ioctl(fd, TIOCSCTTY, 0);
    for (int target = 0; target < 3; target++) dup2(fd, target);
    if (fd > 2) close(fd);
    execve(vector[0], vector, environment);
    _exit(127);
  }
  free(vector);
  char text[32];
  snprintf(text, sizeof text, "P %ld\n", (long)child);
  say(text);
}

/* The last words follow what the command put out, so that whoever meets them has all of it. */
static void finish(const char *words, size_t length) {
  struct termios mode;
  if (!reopen_tty()) leave(0);
  if (tcgetattr(tty_fd, &mode) == 0) {
    mode.c_oflag &= (tcflag_t)~OPOST;
    mode.c_iflag &= (tcflag_t)~IXON; /* lets a terminal go on that somebody stopped with Ctrl-S */
    tcsetattr(tty_fd, TCSANOW, &mode);
  }
  tcflow(tty_fd, TCOON);
  free(last_words);
  last_words = malloc(length);
  if (last_words == NULL) leave(126);
  memcpy(last_words, words, length);
  last_length = length;
  last_done = 0;
}

static void obey(char letter, char *payload, size_t length) {
  switch (letter) {
    case 'X': if (!keeper) start(payload, length); break;
    case 'W': if (length == 4) set_size((const unsigned char *)payload); break;
    case 'S': tcflow(tty_fd, TCOOFF); break;
    case 'R': tcflow(tty_fd, TCOON); break;
    case 'I': input_asked = 1; input_delay = 1; break;
    case 'F': finish(payload, length); break;
    case 'Q': leave(0);
    default: hang_up();
  }
}

static void take_frames(void) {
  for (;;) {
    if (held_size - held_length < 65536) {
      char *larger = realloc(held, held_size = held_size + 262144);
      if (larger == NULL) leave(126);
      held = larger;
    }
    ssize_t got = read(conn_fd, held + held_length, held_size - held_length);
    if (got < 0 && (errno == EINTR)) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0) {
      if (child == 0 && !keeper) leave(0); /* the host died before it said what to run */
      hang_up();
      return;
    }
    held_length += (size_t)got;
    size_t at = 0;
    while (held_length - at >= 5) {
      const unsigned char *head = (const unsigned char *)held + at;
      size_t length = head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16 | (size_t)head[4] << 24;
      if (length > MAX_FRAME) {
        hang_up();
        return;
      }
      if (held_length - at < 5 + length) break;
      obey((char)head[0], held + at + 5, length);
      if (conn_fd < 0) return;
      at += 5 + length;
    }
    memmove(held, held + at, held_length -= at);
  }
}

static void take_connection(void) {
  int fd = accept(listen_fd, NULL, NULL);
  if (fd < 0) return;
  hang_up();
  conn_fd = with_flags(fd);
  char text[96];
  const char *state = keeper ? "keeper" : ended ? "ended" : child == 0 ? "new" : "runs";
  snprintf(text, sizeof text, "H %ld %s %d %d\n", (long)child, state, end_code, end_signal);
  say(text);
}

static void reap(void) {
  char bytes[64];
  while (read(child_pipe[0], bytes, sizeof bytes) > 0) continue;
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != child) continue;
    ended = 1;
    end_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    end_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (!reopen_tty()) leave(0);
    say_end();
  }
}

/*
 * Whether somebody listens there; a pid alone may be that of another process by now. A socket of another type is refused
 * differently by one that lives, which hears nothing of it: a connection would end that of its host.
 */
static int listens(const char *path) {
  struct sockaddr_un address;
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (fd < 0) return 1;
  int is_dead = address_of(&address, path) != 0 ||
    (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && (errno == ECONNREFUSED || errno == ENOENT));
  close(fd);
  return !is_dead;
}

static int others_live(void) {
  DIR *dir = opendir(directory);
  if (dir == NULL) return 0;
  struct dirent *entry;
  int found = 0;
  while (!found && (entry = readdir(dir)) != NULL) {
    char *rest;
    long pid = strtol(entry->d_name, &rest, 10);
    if (pid <= 1 || strcmp(rest, ".p") != 0 || pid == (long)getpid()) continue;
    char path[sizeof listen_path];
    found = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) < (int)sizeof path && listens(path);
  }
  closedir(dir);
  return found;
}

static void write_last_words(void) {
  ssize_t count = write(tty_fd, last_words + last_done, last_length - last_done);
  if (count > 0) last_done += (size_t)count;
  else if (count < 0 && errno != EAGAIN && errno != EINTR && !reopen_tty()) leave(0);
}

static void answer_input(void) {
  int waiting = 0;
  if (ioctl(tty_fd, FIONREAD, &waiting) == 0 && waiting > LOW_INPUT) {
    if (input_delay < 50) input_delay *= 2;
    return;
  }
  input_asked = 0;
  say("I\n");
}

static void serve(void) {
  long alone_since = now_s();
  for (;;) {
    struct pollfd fds[4] = {
      { .fd = child_pipe[0], .events = POLLIN },
      { .fd = listen_fd, .events = POLLIN },
      { .fd = conn_fd, .events = POLLIN },
      { .fd = tty_fd, .events = last_done < last_length ? POLLOUT : 0 },
    };
    int wait_ms = -1;
    if (conn_fd >= 0) alone_since = now_s();
    else if (keeper || ended || child == 0) wait_ms = keeper ? 5000 : 60000;
    if (input_asked) wait_ms = input_delay;
    if (poll(fds, 4, wait_ms) < 0 && errno != EINTR) leave(126);
    if (fds[0].revents != 0) reap();
    if (fds[3].revents & (POLLHUP | POLLERR | POLLNVAL)) {
      reap();
      if (!reopen_tty()) leave(0); /* the server is gone */
    } else if (fds[3].revents & POLLOUT) write_last_words();
    if (input_asked) answer_input();
    if (fds[2].revents != 0 && conn_fd >= 0) take_frames();
    if (fds[1].revents != 0) take_connection();
    if (conn_fd >= 0) continue;
    long alone_s = now_s() - alone_since;
    if (keeper && alone_s >= KEEP_SERVER_S && !others_live()) leave(0);
    if (ended && alone_s >= KEEP_END_S) leave(0);
  }
}

/* A control client whose reader died while there was something to write to it never ends, and keeps its server: ended here. */
static int run(char **command) {
  close_from_3();
  if (pipe(child_pipe) != 0) return 126;
  with_flags(child_pipe[0]);
  with_flags(child_pipe[1]);
  child = fork();
  if (child < 0) return 126;
  if (child == 0) {
    execvp(command[0], command);
    _exit(errno == ENOENT ? 127 : 126);
  }
  ignore_signals(); /* only now: what is ignored would be ignored by the command, too */
  int null_fd = open("/dev/null", O_RDWR);
  dup2(null_fd, 1);
  dup2(null_fd, 2);
  for (int hung_up = 0, killed = 0;;) {
    int status;
    pid_t pid = waitpid(child, &status, WNOHANG);
    if (pid == child) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (pid < 0 && errno != EINTR) return 126;
    struct pollfd fds[2] = { { .fd = child_pipe[0], .events = POLLIN }, { .fd = hung_up ? -1 : 0, .events = 0 } };
    int count = poll(fds, 2, hung_up ? 1000 : -1);
    if (count == 0 && !killed) killed = kill(child, SIGKILL) == 0;
    if (count > 0 && fds[1].revents != 0) hung_up = 1;
    char bytes[16];
    while (read(child_pipe[0], bytes, sizeof bytes) > 0) continue;
  }
}

int main(int argc, char **argv) {
  if (argc >= 3 && strcmp(argv[1], "run") == 0) return run(argv + 2);
  if (argc != 5 || (strcmp(argv[1], "hold") != 0 && strcmp(argv[1], "keep") != 0)) return 124;
  keeper = strcmp(argv[1], "keep") == 0;
  directory = argv[2];
  close_from_3();
  const char *name = ttyname(0);
  if (name == NULL || strlen(name) >= sizeof tty_path || pipe(child_pipe) != 0) return 124;
  strcpy(tty_path, name);
  with_flags(child_pipe[0]);
  with_flags(child_pipe[1]);
  ignore_signals();
  tty_fd = with_flags(dup(0));
  /* The terminal is the command's: what is left of it here is one descriptor, which cannot block. */
  int null_fd = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null_fd, fd);
  if (null_fd > 2) close(null_fd);
  if (snprintf(listen_path, sizeof listen_path, "%s/%ld.p", directory, (long)getpid()) >= (int)sizeof listen_path) return 124;
  listen_fd = with_flags(listen_at(listen_path));
  conn_fd = connect_to(argv[3]);
  if (listen_fd < 0 || conn_fd < 0) leave(125);
  with_flags(conn_fd);
  char hello[96];
  snprintf(hello, sizeof hello, "%.64s %ld\n", argv[4], (long)getpid());
  say(hello);
  serve();
}
