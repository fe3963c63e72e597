"""Run one command and print what it took: `python -I -S bench/one_run.py COMMAND ...`.

In a process of its own, which loads next to nothing: the kernel counts what a process held before
it became the command as memory of the command (getrusage(2), ru_maxrss), and a process that has
done more than this would hide what a small command needs.
"""

import os
import sys


def main() -> None:
    child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
    _, status, used = os.wait4(child, 0)
    took = (used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
    print(*took, os.waitstatus_to_exitcode(status), file=sys.stderr)


if __name__ == "__main__":
    main()
