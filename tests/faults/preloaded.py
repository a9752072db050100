"""What a job needs, loaded once in the process that jobs are forked from."""

from chalicelib.jobs import escalate, follow_up, follow_up_tables, merge, tally
from tests.faults import underfoot

__all__ = ["escalate", "follow_up", "follow_up_tables", "merge", "tally", "underfoot"]
