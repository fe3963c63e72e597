"""`make eval`: print how well labelled replies and answers are read, each set by itself."""

from __future__ import annotations

import sys

from evaluation import answers, replies

if __name__ == "__main__":
    replies.report(sys.stdout)
    answers.report()
