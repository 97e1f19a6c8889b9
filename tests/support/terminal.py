"""usage: terminal.py ROWSxCOLS SCRIPT COMMAND…

Runs COMMAND on a terminal of its own. SCRIPT is a file of steps, one a line: `expect TEXT` waits
until it was printed, `send TEXT` types (with \\xNN escapes), `resize ROWSxCOLS`, `signal NAME`. Then waits for the
end. Prints all output, then `rc N`, then `mode same` if the terminal is as it was before."""
import fcntl, os, select, struct, sys, termios, time

SIGNALS = {"SIGTERM": 15, "SIGINT": 2, "SIGHUP": 1}


def size(fd, text):
    rows, columns = map(int, text.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


master, slave = os.openpty()
size(master, sys.argv[1])
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.closerange(3, 100)
    os.execvp(sys.argv[3], sys.argv[3:])
output = b""
end = time.time() + 20


def pump(timeout):
    global output
    if time.time() > end:
        sys.exit("timeout; so far: %r" % output)
    if select.select([master], [], [], timeout)[0]:
        output += os.read(master, 65536)
        return True
    return False


seen = 0
for step in open(sys.argv[2]):
    verb, _, text = step.rstrip("\n").partition(" ")
    data = text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    if verb == "expect":
        while output.find(data, seen) < 0:
            pump(0.05)
        seen = output.find(data, seen) + len(data)
    elif verb == "send":
        os.write(master, data)
    elif verb == "resize":
        size(master, text)
    elif verb == "signal":
        os.kill(pid, SIGNALS[text])
while True:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        break
    pump(0.05)
while pump(0.1):
    pass
sys.stdout.buffer.write(output)
print("\nrc", os.waitstatus_to_exitcode(status))
print("mode", "same" if termios.tcgetattr(slave) == before else "changed")
