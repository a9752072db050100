"""What a job needs, loaded once in the process that jobs are forked from."""

import chalicelib.jobs.merge
import chalicelib.jobs.tally
import tests.faults.underfoot  # noqa: F401
