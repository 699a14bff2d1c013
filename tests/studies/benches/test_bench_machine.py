"""What a process takes is told on both clocks, and one that fails by its last line."""

import pytest

from studies.benches.machine import process_seconds


def test_seconds_of_a_process_are_on_the_clock_and_of_the_processor():
    idle = process_seconds("-c", "import time; time.sleep(0.5)")
    assert idle.wall > 0.5 > idle.processor
    busy = process_seconds("-c", "import time\nwhile time.process_time() < 0.5: pass")
    assert busy.wall * 2 > busy.processor > 0.5


def test_a_process_that_fails_is_told_by_its_last_line():
    with pytest.raises(RuntimeError, match="python -c raise OSError.1. failed: .'OSError: 1'"):
        process_seconds("-c", "raise OSError(1)")
