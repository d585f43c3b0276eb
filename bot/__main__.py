"""The `erica` command."""

import os
import sys


def main() -> None:
    """Entry point of the console script."""
    # One query's worth of linear algebra is slower on many threads, and doubles the latency on two cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from bot.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
