/*
 * exec-helper: runs between fork and the command of a terminal (docs/adr/0003).
 *
 *   exec-helper CWD FILE ARGV0 [ARG ...], or exec-helper '' '' where that comes with the orders (docs/adr/0022)
 *   environment: the first entry is SIGNALBOX_EXEC=TOKEN:SOCKET, the rest is the command's environment.
 *   SOCKET is a path, or @NAME for a Linux abstract socket.
 *
 * It closes every descriptor >= 3, resets signals, connects to SOCKET, sends TOKEN and waits for orders: without them
 * the parent does not know of this process, and nothing runs. Orders are lines:
 *   JPATH  write 0 to PATH: joins a control group    jPATH  the same, and go on where that fails
 *   DBYTES bounds the data of each process           PCOUNT bounds the processes of the user
 *   XCOUNT COUNT bytes follow: the number of CWD FILE ARGV0 [ARG ...], these, and the environment; each ended by a NUL
 *   G      go
 * Then it changes to CWD and executes FILE. The socket is CLOEXEC, so its end without a word means that exec succeeded;
 * a failure is told as "STAGE ERRNO\n", one that does not matter by a small letter. Nothing is ever written to the
 * terminal.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#define FD_DIR "/proc/self/fd"
#else
#define FD_DIR "/dev/fd"
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef NSIG
#define NSIG 32
#endif

/* Exit codes that nobody sees unless the report is lost: the parent then says that the helper ended early. */
enum { EXIT_USAGE_OF_HELPER = 124, EXIT_NO_PARENT = 125, EXIT_FAILED = 127 };

extern char **environ;
static int report_fd = -1;

static void close_by_number(void) {
  long limit = sysconf(_SC_OPEN_MAX);
  if (limit < 0 || limit > 65536) limit = 65536;
  for (int fd = 3; fd < limit; fd++) close(fd);
}

/* Without this each child holds the masters of all other terminals and can type into them. */
static void close_inherited(void) {
#if defined(__linux__) && defined(SYS_close_range)
  if (getenv("SIGNALBOX_EXEC_NO_CLOSE_RANGE") == NULL && syscall(SYS_close_range, 3U, ~0U, 0U) == 0) return;
#endif
  DIR *dir = opendir(FD_DIR);
  if (dir == NULL) {
    close_by_number(); /* no /proc here, or no descriptor free to open it */
    return;
  }
  struct dirent *entry;
  while ((entry = readdir(dir)) != NULL) {
    int fd = atoi(entry->d_name);
    if (fd >= 3 && fd != dirfd(dir)) close(fd);
  }
  closedir(dir);
}

static void reset_signals(void) {
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static int connect_to(const char *name) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  size_t length = strlen(name);
  if (length >= sizeof address.sun_path) return -1;
  memcpy(address.sun_path, name, length);
  if (name[0] == '@') address.sun_path[0] = '\0';
  else length++;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  while (connect(fd, (struct sockaddr *)&address, size) != 0)
    if (errno != EINTR) return -1;
  return fd;
}

static void tell(char stage, int error) {
  char text[32];
  int length = snprintf(text, sizeof text, "%c %d\n", stage, error);
  if (send(report_fd, text, (size_t)length, MSG_NOSIGNAL) < 0) _exit(EXIT_NO_PARENT);
}

static void fail(char stage, int error) {
  tell(stage, error);
  _exit(EXIT_FAILED);
}

/* By this process itself: whoever did it for us could meet another process with our pid, were we killed meanwhile. */
static int join_group(const char *procs) {
  int fd = open(procs, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = write(fd, "0", 1) == 1 ? 0 : errno;
  close(fd);
  return error;
}

static void bound(int resource, const char *text) {
  rlim_t most = (rlim_t)strtoull(text, NULL, 10);
  struct rlimit limit = { most, most };
  if (setrlimit(resource, &limit) != 0) fail('R', errno);
}

/* @returns whether that was the last order */
static int obey(const char *order) {
  int error = 0;
  switch (order[0]) {
    case 'J':
    case 'j':
      if ((error = join_group(order + 1)) != 0) (order[0] == 'J' ? fail : tell)(order[0], error);
      return 0;
    case 'D': bound(RLIMIT_DATA, order + 1); return 0;
    case 'P': bound(RLIMIT_NPROC, order + 1); return 0;
    default: return 1;
  }
}

/* What to run, where it comes with the orders: words, each ended by a NUL. */
static char *work = NULL;
static size_t work_size = 0;

/* Takes `size` bytes, the first of which may be there already. Returns how many of those were of it. */
static size_t take_work(size_t size, const char *there, size_t count) {
  if (work != NULL || size == 0 || (work = malloc(size)) == NULL) _exit(EXIT_FAILED);
  work_size = count < size ? count : size;
  memcpy(work, there, work_size);
  size_t used = work_size;
  while (work_size < size) {
    ssize_t got = read(report_fd, work + work_size, size - work_size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) _exit(EXIT_NO_PARENT);
    work_size += (size_t)got;
  }
  return used;
}

/* Words from `at` on, at most `most` of them, as execve takes them. Moves `at` behind them. */
static char **words_of_work(char **at, size_t most) {
  size_t count = 0;
  char *end = work + work_size;
  for (char *word = *at; word < end && count < most; word += strlen(word) + 1) count++;
  char **words = malloc((count + 1) * sizeof *words);
  if (words == NULL) _exit(EXIT_FAILED);
  for (size_t index = 0; index < count; index++) {
    words[index] = *at;
    *at += strlen(*at) + 1;
  }
  words[count] = NULL;
  return words;
}

static void take_orders(void) {
  static char orders[65536];
  size_t held = 0;
  for (;;) {
    ssize_t got = read(report_fd, orders + held, sizeof orders - held);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) _exit(EXIT_NO_PARENT);
    held += (size_t)got;
    char *line = orders, *end;
    while ((end = memchr(line, '\n', held - (size_t)(line - orders))) != NULL) {
      *end = '\0';
      if (line[0] == 'X') {
        end += take_work(strtoul(line + 1, NULL, 10), end + 1, held - (size_t)(end + 1 - orders));
      } else if (obey(line)) return;
      line = end + 1;
    }
    held -= (size_t)(line - orders);
    memmove(orders, line, held);
  }
}

/* As execvp does: a text without an interpreter line is a shell script. A binary of another machine is not. */
static int looks_like_script(const char *file) {
  char head[128];
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, head, sizeof head);
  close(fd);
  return length >= 0 && memchr(head, '\0', (size_t)length) == NULL;
}

int main(int argc, char **argv) {
  int waits = argc == 3 && argv[1][0] == '\0' && argv[2][0] == '\0';
  if ((argc < 4 && !waits) || environ[0] == NULL || strncmp(environ[0], "SIGNALBOX_EXEC=", 15) != 0) return EXIT_USAGE_OF_HELPER;
  char *token = environ[0] + 15;
  char *name = strchr(token, ':');
  if (name == NULL) return EXIT_USAGE_OF_HELPER;

  close_inherited();
  reset_signals();
  report_fd = connect_to(name + 1);
  if (report_fd < 0 || send(report_fd, token, (size_t)(name - token), MSG_NOSIGNAL) < 0) return EXIT_NO_PARENT;
  take_orders();

  char **command = argv + 1; /* CWD FILE ARGV0 ... */
  environ++;                 /* the command never sees the first entry */
  if (waits) {
    if (work == NULL || work[work_size - 1] != '\0') return EXIT_USAGE_OF_HELPER;
    char *at = work + strlen(work) + 1;
    command = words_of_work(&at, strtoul(work, NULL, 10));
    environ = words_of_work(&at, (size_t)-1);
    if (command[0] == NULL || command[1] == NULL || command[2] == NULL) return EXIT_USAGE_OF_HELPER;
  }
  if (chdir(command[0]) != 0) fail('C', errno);
  execve(command[1], command + 2, environ);
  int error = errno;
  if (error == ENOEXEC && looks_like_script(command[1])) {
    command[2] = command[1]; /* sh FILE ARG ...: command + 1 is then { "sh", FILE, ARG ... } */
    command[1] = "sh";
    execve("/bin/sh", command + 1, environ);
    error = errno;
  }
  fail('E', error);
}
