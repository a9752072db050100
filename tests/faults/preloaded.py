"""What a job needs, loaded once in the process that jobs are forked from."""

from chalicelib.jobs import merge, tally
from tests.faults import underfoot

__all__ = ["merge", "tally", "underfoot"]
