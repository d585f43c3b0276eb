"""The `erica` command."""

import os
import sys


def main() -> None:
    """Entry point of the console script."""
    # One query's worth of linear algebra is slower on many threads, and doubles the latency on two cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from bot.cli import run
    except KeyboardInterrupt:  # importing takes long enough to change one's mind
        sys.exit(130)
    sys.exit(run())


if __name__ == "__main__":
    main()
