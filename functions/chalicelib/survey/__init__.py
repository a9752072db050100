"""The kernel: what a survey means. Pure, light, imported by everyone; imports nothing of ours."""

from .conditions import Answer, Condition, holds
from .contract import Bands, Calendar, Contract, Retention, Rule, Section
from .errors import EchoformError, Invalid, Problem, Refused
from .faultless import Faultless, Sheet
from .questions import TYPES, AnyQuestion, Choice, Field, Question, Scaled
from .reading import Reading, from_form, read, strangers
from .response import Response, Submission, index_of, written

__all__ = [
    "TYPES",
    "Answer",
    "AnyQuestion",
    "Bands",
    "Calendar",
    "Choice",
    "Condition",
    "Contract",
    "EchoformError",
    "Faultless",
    "Field",
    "Invalid",
    "Problem",
    "Question",
    "Reading",
    "Refused",
    "Response",
    "Retention",
    "Rule",
    "Scaled",
    "Section",
    "Sheet",
    "Submission",
    "from_form",
    "holds",
    "index_of",
    "read",
    "strangers",
    "written",
]
