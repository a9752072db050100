"""JSON Schema of a survey file, for editors: completion, and mistakes underlined while typing.

Generated from the kernel's classes through the same forms that read the file.
"""

from __future__ import annotations

from chalicelib.survey import Contract

from .forms import Schema
from .shapes import form_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"

MEANING: dict[str, str] = {
    "accept": "The kinds of file that may be sent",
    "anonymous": "Nothing stored can join an answer to the link or the customer",
    "assign_to": "Who gets the follow-up: agent, team, lead, or a team by name",
    "attributes": "What a link may know; never asked. `customer` is personal",
    "bands": "Lower ends of the bands, on the 1-5 mean",
    "calendar": "When people work; clocks of follow-ups run only then",
    "choices": "Code: text. Codes are stored, texts are shown",
    "contacts": "How long what is personal is kept, as 90d; never longer than its response",
    "days": "The days that are worked: [mon, tue, wed, thu, fri] if left out",
    "decimals": "How many decimal places; 0 wants whole numbers",
    "default": "The value where the address brings none",
    "dimension": "What the rating measures",
    "dimensions": "Titles of the dimensions",
    "embed": "Sites that may show this survey in a frame, such as https://www.example.com",
    "end_if": "Where it holds, the survey ends here",
    "first": "The earliest day allowed",
    "first_contact_within": "30m, 24h or 5d, from the moment the answer arrives",
    "follow_ups": "Rules that open a follow-up",
    "high_label": "Label of the high end",
    "hint": "A smaller text below the question",
    "holidays": "CN: Chinese public holidays are free, their make-up days are worked",
    "hours": "When work begins and ends, as 09:00-18:00",
    "id": "Its name for ever; a new meaning needs a new id",
    "image": "A picture beside the survey file: png, jpeg or webp, at most 200,000 bytes",
    "intro": "Shown before the first question",
    "languages": "The first is the default",
    "largest": "The size of one file, in megabytes",
    "last": "The latest day allowed",
    "least": "The least: number, length, or number of choices",
    "look": "How a rating is drawn",
    "low_label": "Label of the low end",
    "most": "The most: number, length, choices or files; a ranking ranks so many",
    "na": "Offers not applicable, which no score counts",
    "other": "Offers other, please say",
    "personal": "Kept apart from the answers",
    "priority": "How urgent the follow-up is",
    "questions": "Asked together, in this order",
    "required": "Has to be answered where it is shown",
    "resolve_within": "30m, 24h or 5d, from the moment the answer arrives",
    "responses": "How long answers are kept, as 400d; whole days are deleted then",
    "retention": "How long answers are kept; without it they stay",
    "role": "What the answer means: contacts and solved make first-contact resolution",
    "satisfied": "Below: needs improvement",
    "rows": "Code: text. Each row is a rating in a column of its own, <id>_<code>",
    "scale": "Points, from 1",
    "sections": "The steps of the page",
    "segment": "Scores can be cut by the answer",
    "segments": "Pairs of segment keys, [[team, hour]], by which scores can be cut together",
    "show_if": "Where it does not hold, it is hidden and takes no answer",
    "text": "What the customer reads",
    "thanks": "Shown after sending",
    "timezone": "IANA name; days are counted here",
    "title": "The title",
    "type": "The question type",
    "value": "A number made of earlier answers, such as mean(speed, skill) * 20",
    "verify_days": "For how many days an answer is waited for, before reminding and after",
    "verify_with": "The survey that asks whether the solution helped",
    "very_satisfied": "From here on: very satisfied",
    "weight": "Share of the index: 30% or 0.3; all weights sum to 100%",
    "when": "Opens a follow-up where it holds; may also ask attributes and index",
}
"""What each key of a survey file means, wherever it stands."""


def schema() -> Schema:
    """JSON Schema of what an author may write."""
    defs: dict[str, Schema] = {}
    root = form_of(Contract).schema(defs)
    for part in defs.values():
        for key, value in part.get("properties", {}).items():
            value.setdefault("description", MEANING[key])
    return {"$schema": DIALECT, "title": "Echoform survey", **root, "$defs": defs}
