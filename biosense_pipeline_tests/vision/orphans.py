"""A program that keeps a pool of workers until it is killed, or ends without closing it; run by tests."""

import sys
import time

from biosense_pipeline.vision.faces import Picture
from biosense_pipeline.vision.pool import PoolExaminer
from biosense_pipeline_tests.vision.fakes import SLOW, SPEC, commanded, picture


def main() -> None:
    """Print the workers' process ids, then wait, with idle workers or with busy ones, or end at once."""
    pool = PoolExaminer(SPEC, workers=2, timeout=60, make_engine=commanded)
    results = list(pool.examine([Picture(1, picture(SLOW)), Picture(2, picture(SLOW))]))
    print(*{int(examination.faces[0].encoding[1]) for _, examination in results}, flush=True)
    if sys.argv[1] == "busy":
        for _ in pool.examine(Picture(key, picture(SLOW)) for key in range(1000)):
            pass
    if sys.argv[1] != "left":
        time.sleep(120)


if __name__ == "__main__":
    main()
