"""The cookbook: twenty-four questions people ask of their answers, as SQL for one survey.

In Athena's dialect, kept to what means the same in DuckDB: every division of doubles, every day a
date, no function that Athena alone has. A question that a survey cannot answer (an NPS it never
asked for) is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chalicelib import columns, keys
from chalicelib.survey import Contract, Question, Scaled
from chalicelib.survey.distributions import Z95
from chalicelib.survey.quality import FACTS
from chalicelib.survey.questions import Choosing, LongText, Multiple, Nps
from chalicelib.views import quoted, text
from generator.catalog import label_in, latest


class Recipe(NamedTuple):
    name: str
    asks: str
    sql: str

    @property
    def file(self) -> str:
        return f"-- {self.asks}\n{self.sql}\n"


class Asked(NamedTuple):
    """What of a survey the recipes are about; "" where it has none."""

    survey: str
    rating: str
    """The rating that stands for satisfaction: the first of those with the most points."""
    high: int
    nps: str
    solved: str
    contacts: str
    once: str
    words: str
    improve: str
    language: str
    who: str
    """The attribute of whoever served, else the channel."""
    team: str
    customer: str


def asked(versions: Sequence[Contract]) -> Asked:
    contract = versions[-1]
    fields = latest(versions[-1:])
    shown = [q for name, (q, _) in fields.items() if name == q.id]
    scaled = [q for q in shown if isinstance(q, Scaled) and not isinstance(q, Nps)]
    rating = max(scaled, key=lambda q: q.ends[1], default=None)
    roles = {getattr(q, "role", None): q for q in shown}
    contacts = roles.get("contacts")
    known = [name for name in columns.attributes(contract) if name != columns.CUSTOMER]
    both = "solved" in roles and contacts is not None
    return Asked(
        survey=contract.id,
        rating=rating.id if rating else "",
        high=rating.ends[1] if rating else 0,
        nps=_first(shown, Nps),
        solved=roles["solved"].id if both else "",
        contacts=contacts.id if both and contacts else "",
        once=contacts.codes[0] if both and isinstance(contacts, Choosing) else "",
        words=_first(shown, LongText),
        improve=_first(shown, Multiple),
        language=contract.languages[0],
        who="agent" if "agent" in known else next(iter(known), "channel"),
        team="team" if "team" in known else next(iter(known[1:]), "channel"),
        customer=columns.CUSTOMER if columns.CUSTOMER in columns.attributes(contract) else "",
    )


def cookbook(versions: Sequence[Contract]) -> list[Recipe]:
    about = asked(versions)
    names = {kind: quoted(keys.table(kind, about.survey)) for kind in (*_TABLES, "tallies")}
    names |= {
        field: quoted(getattr(about, field))
        for field in ("rating", "nps", "solved", "contacts", "words", "who", "team", "customer")
    }
    names |= {
        "top": str(about.high - 1),
        "once": text(about.once),
        "item": text(about.rating),
        "improve": text(about.improve),
        "label": label_in(about.language),
        "survey": text(about.survey),
        "low": _wilson(-1),
        "up": _wilson(1),
        "facts": ",\n  ".join(f"COUNT_IF({fact}) AS {fact}" for fact in FACTS),
    }
    return [
        Recipe(name, asks, sql.strip().format(**names))
        for name, (needs, asks, sql) in RECIPES.items()
        if all(getattr(about, need) for need in needs.split())
    ]


def _first(questions: Sequence[Question], kind: type[Question]) -> str:
    return next((question.id for question in questions if isinstance(question, kind)), "")


def _wilson(side: int) -> str:
    """An end of the 95 % interval (Wilson 1927) of ``hits`` of ``n``, both doubles."""
    z2 = Z95 * Z95
    sign = "-" if side < 0 else "+"
    return (
        f"(hits / n + {z2!r}E0 / (2E0 * n) {sign} {Z95!r}E0 * SQRT(hits / n * (1E0 - hits / n) / n"
        f" + {z2!r}E0 / (4E0 * n * n))) / (1E0 + {z2!r}E0 / n)"
    )


_TABLES = (
    *("responses", "invitations", "follow_ups", "break_offs"),
    *("answers", "ratings", "labels", "flags"),
)
RECIPES = {
    "response-rate": (
        "who",
        "Of those invited, how many answered, by campaign, channel and segment? AAPOR's RR1 (and"
        " RR2: no answer is stored in part), with its 95 % interval (Wilson); what is under way is"
        " left out.",
        """
SELECT campaign, channel, who, CAST(n AS BIGINT) AS n, CAST(hits AS BIGINT) AS answered,
  hits / n AS rr1, {low} AS low, {up} AS high
FROM (
  SELECT campaign, channel, {who} AS who,
    CAST(COUNT_IF(disposition <> 'pending') AS DOUBLE) AS n,
    CAST(COUNT_IF(disposition = 'complete') AS DOUBLE) AS hits
  FROM {invitations} GROUP BY campaign, channel, {who}
) AS asked
WHERE n > 0E0
ORDER BY campaign, channel, who NULLS LAST
""",
    ),
    "completion": (
        "",
        "Who of those that began on the page sent it, week by week and by language, and at which"
        " question did the others stop? Completes of completes and break-offs, with its 95 %"
        " interval (Wilson). A row for each question that was the last one answered, and one"
        " without a question for those who sent it; from the first day on which somebody left,"
        " and on which answers are still kept.",
        """
SELECT week, language, stopped_after, people, CAST(n AS BIGINT) AS began, hits / n AS completion,
  {low} AS low, {up} AS high
FROM (
  SELECT week, language, stopped_after, people,
    CAST(SUM(people) OVER (PARTITION BY week, language) AS DOUBLE) AS n,
    CAST(SUM(CASE WHEN stopped_after IS NULL THEN people ELSE 0 END)
      OVER (PARTITION BY week, language) AS DOUBLE) AS hits
  FROM (
    SELECT CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE) AS week, language, stopped_after,
      SUM(n) AS people
    FROM (
      SELECT dt, language, question AS stopped_after, CAST(n AS BIGINT) AS n
      FROM {break_offs} CROSS JOIN (SELECT MIN(dt) AS since FROM {responses}) AS kept
      WHERE dt >= COALESCE(since, dt)
      UNION ALL
      SELECT dt, language, CAST(NULL AS VARCHAR) AS stopped_after, CAST(1 AS BIGINT) AS n
      FROM {responses} CROSS JOIN (SELECT MIN(dt) AS since FROM {break_offs}) AS known
      WHERE channel = 'web' AND dt >= since
    ) AS begun
    GROUP BY CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE), language, stopped_after
  ) AS stops
) AS weeks
ORDER BY week, language, people DESC, stopped_after
""",
    ),
    "csat-by-who-served": (
        "rating",
        "How satisfied are the customers of each agent? Share of the two best points, with its"
        " 95 % interval (Wilson).",
        """
SELECT who, CAST(n AS BIGINT) AS n, hits / n AS csat, {low} AS low, {up} AS high
FROM (
  SELECT {who} AS who, CAST(COUNT({rating}) AS DOUBLE) AS n,
    CAST(COUNT_IF({rating} >= {top}) AS DOUBLE) AS hits
  FROM {responses} WHERE {who} IS NOT NULL AND {rating} IS NOT NULL GROUP BY {who}
) AS counted
ORDER BY who
""",
    ),
    "nps-by-week": (
        "nps",
        "How does the Net Promoter Score move from week to week (from Monday), and within what"
        " margin?",
        """
SELECT week, CAST(n AS BIGINT) AS n, 1E2 * (p - d) AS nps,
  1.96E2 * SQRT((p + d - (p - d) * (p - d)) / n) AS margin
FROM (
  SELECT CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE) AS week,
    CAST(COUNT(*) AS DOUBLE) AS n,
    CAST(COUNT_IF({nps} >= 9) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS p,
    CAST(COUNT_IF({nps} <= 6) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS d
  FROM {responses} WHERE {nps} IS NOT NULL
  GROUP BY CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE)
) AS weeks
ORDER BY week
""",
    ),
    "what-detractors-write": (
        "nps words",
        "What do detractors (0 to 6) write, and who served them? The latest first.",
        """
SELECT dt, response, {who} AS who, {team} AS team, {nps} AS nps, {words} AS words
FROM {responses}
WHERE {nps} <= 6 AND {words} IS NOT NULL AND LOWER(TRIM({words})) NOT IN ('无', '没有', 'none')
ORDER BY dt DESC, response DESC
""",
    ),
    "first-contact-resolution": (
        "solved",
        "Whose customers had their problem solved with one contact? Of all who answered both"
        " questions, with its 95 % interval.",
        """
SELECT who, CAST(n AS BIGINT) AS n, hits / n AS resolution, {low} AS low, {up} AS high
FROM (
  SELECT {who} AS who, CAST(COUNT(*) AS DOUBLE) AS n,
    CAST(COUNT_IF({solved} = 'yes' AND {contacts} = {once}) AS DOUBLE) AS hits
  FROM {responses} WHERE {solved} IS NOT NULL AND {contacts} IS NOT NULL GROUP BY {who}
) AS counted
ORDER BY who NULLS LAST
""",
    ),
    "worst-hour": (
        "rating",
        "At which hours of the day are customers least satisfied? With how many answered: an hour"
        " of few says little.",
        """
SELECT hour, COUNT(*) AS n, AVG(CAST({rating} AS DOUBLE)) AS mean
FROM {responses} WHERE {rating} IS NOT NULL AND hour IS NOT NULL
GROUP BY hour ORDER BY mean, hour
""",
    ),
    "change-between-waves": (
        "rating",
        "Did satisfaction change between the last 28 days and the 28 before? The difference of"
        " means in standard errors (Welch): beyond 1.96 either way, it hardly is chance.",
        """
SELECT now_n, before_n, now_mean, before_mean, now_mean - before_mean AS change,
  (now_mean - before_mean) / NULLIF(SQRT(now_variance / CAST(now_n AS DOUBLE)
    + before_variance / CAST(before_n AS DOUBLE)), 0E0) AS standard_errors
FROM (
  SELECT COUNT_IF(late_wave) AS now_n, COUNT_IF(NOT late_wave) AS before_n,
    AVG(CASE WHEN late_wave THEN rating END) AS now_mean,
    AVG(CASE WHEN NOT late_wave THEN rating END) AS before_mean,
    VAR_SAMP(CASE WHEN late_wave THEN rating END) AS now_variance,
    VAR_SAMP(CASE WHEN NOT late_wave THEN rating END) AS before_variance
  FROM (
    SELECT CAST({rating} AS DOUBLE) AS rating,
      DATE_DIFF('day', CAST(dt AS DATE), newest) < 28 AS late_wave
    FROM {responses} CROSS JOIN (SELECT MAX(CAST(dt AS DATE)) AS newest FROM {responses}) AS ends
    WHERE {rating} IS NOT NULL AND DATE_DIFF('day', CAST(dt AS DATE), newest) < 56
  ) AS rated
) AS waves
""",
    ),
    "answers-by-channel": (
        "rating",
        "How do people come, and how many of those who sent their answers gave the rating? (Of who"
        " left before sending, ask the recipe completion.)",
        """
SELECT channel, COUNT(*) AS n, COUNT({rating}) AS rated,
  CAST(COUNT({rating}) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS share
FROM {responses} GROUP BY channel ORDER BY n DESC, channel
""",
    ),
    "quality-flags": (
        "",
        "What speaks against how many answers, by flag? An answer may have several.",
        """
SELECT flag, COUNT(*) AS n, COUNT(DISTINCT dt) AS days
FROM {flags} GROUP BY flag ORDER BY n DESC, flag
""",
    ),
    "index-by-team": (
        "",
        "How do teams stand in the weighted index (0 to 100), and how far do answers lie apart?",
        """
SELECT {team} AS team, COUNT(*) AS n, AVG("index") AS mean, STDDEV_SAMP("index") AS deviation
FROM {responses} WHERE "index" IS NOT NULL
GROUP BY {team} ORDER BY mean DESC, team NULLS LAST
""",
    ),
    "distribution": (
        "",
        "How many gave which point, question by question?",
        """
SELECT field, rating, n,
  CAST(n AS DOUBLE) / CAST(SUM(n) OVER (PARTITION BY field) AS DOUBLE) AS share
FROM (SELECT field, rating, COUNT(*) AS n FROM {ratings} GROUP BY field, rating) AS counted
ORDER BY field, rating
""",
    ),
    "dimensions": (
        "",
        "Which dimension is weakest? All scales moved to 1 to 5, where the bands are.",
        """
SELECT dimension, COUNT(*) AS n,
  AVG(1E0 + 4E0 * CAST(rating - low AS DOUBLE) / CAST(high - low AS DOUBLE)) AS mean
FROM {ratings} WHERE dimension IS NOT NULL
GROUP BY dimension ORDER BY mean, dimension
""",
    ),
    "repeat-customers": (
        "customer",
        "Which customers answered again within 30 days?"
        " (They are pseudonyms here; contacts_* has the customer.)",
        """
SELECT {customer} AS customer, before AS once, CAST(dt AS DATE) AS again,
  DATE_DIFF('day', before, CAST(dt AS DATE)) AS days
FROM (
  SELECT {customer}, dt, response,
    LAG(CAST(dt AS DATE)) OVER (PARTITION BY {customer} ORDER BY response) AS before
  FROM {responses} WHERE {customer} IS NOT NULL
) AS visits
WHERE DATE_DIFF('day', before, CAST(dt AS DATE)) <= 30
ORDER BY response
""",
    ),
    "late-answers": (
        "",
        "How many answers came late, because the phone was offline or its clock is wrong?",
        """
SELECT channel, COUNT(*) AS n, COUNT_IF(late) AS late,
  CAST(COUNT_IF(late) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS share
FROM {responses} GROUP BY channel ORDER BY channel
""",
    ),
    "language-mix": (
        "",
        "Which languages do people answer in, week by week?",
        """
SELECT CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE) AS week, language, COUNT(*) AS n
FROM {responses}
GROUP BY CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE), language
ORDER BY week, language
""",
    ),
    "drop-after-a-day": (
        "rating",
        "Did satisfaction drop from a day on (a new process, a price)? Put your day in place of"
        " the middle of what there is.",
        """
SELECT CASE WHEN since THEN 'since' ELSE 'before' END AS period, COUNT(*) AS n,
  AVG(CAST({rating} AS DOUBLE)) AS mean, STDDEV_SAMP(CAST({rating} AS DOUBLE)) AS deviation
FROM (
  SELECT {rating}, CAST(dt AS DATE) >= chosen AS since
  FROM {responses} CROSS JOIN (
    SELECT CAST(DATE_ADD('day', DATE_DIFF('day', MIN(CAST(dt AS DATE)), MAX(CAST(dt AS DATE))) / 2,
      MIN(CAST(dt AS DATE))) AS DATE) AS chosen FROM {responses}
  ) AS days
  WHERE {rating} IS NOT NULL
) AS rated
GROUP BY CASE WHEN since THEN 'since' ELSE 'before' END ORDER BY period
""",
    ),
    "each-against-the-rest": (
        "rating",
        "Who differs from all the others together? Means, and their difference.",
        """
SELECT who, n, total / CAST(n AS DOUBLE) AS mean,
  (every - total) / CAST(everybody - n AS DOUBLE) AS rest,
  total / CAST(n AS DOUBLE) - (every - total) / CAST(everybody - n AS DOUBLE) AS difference
FROM (
  SELECT who, n, total, SUM(n) OVER () AS everybody, SUM(total) OVER () AS every
  FROM (
    SELECT {who} AS who, COUNT(*) AS n, SUM(CAST({rating} AS DOUBLE)) AS total
    FROM {responses} WHERE {rating} IS NOT NULL AND {who} IS NOT NULL GROUP BY {who}
  ) AS each_one
) AS beside
WHERE everybody > n
ORDER BY difference, who
""",
    ),
    "with-and-without-flagged": (
        "rating",
        "Does it matter whether flagged answers count? (Near duplicates do: they are for review.)",
        """
SELECT COUNT(*) AS n, AVG(CAST({rating} AS DOUBLE)) AS mean,
  COUNT_IF(flagged.response IS NULL) AS unflagged_n,
  AVG(CASE WHEN flagged.response IS NULL THEN CAST({rating} AS DOUBLE) END) AS unflagged_mean
FROM {responses} AS given LEFT JOIN (
  SELECT DISTINCT response FROM {flags} WHERE flag <> 'near_duplicate'
) AS flagged ON flagged.response = given.response
WHERE {rating} IS NOT NULL
""",
    ),
    "what-to-improve": (
        "improve",
        "What do customers want improved, in their words for it? Of all who chose anything.",
        """
SELECT chosen.value AS code, COALESCE(called.{label}, chosen.value) AS label, COUNT(*) AS n,
  CAST(COUNT(*) AS DOUBLE) / CAST(MAX(everybody) AS DOUBLE) AS share
FROM {answers} AS chosen
CROSS JOIN (
  SELECT COUNT(DISTINCT response) AS everybody FROM {answers} WHERE field = {improve}
) AS asked
LEFT JOIN {labels} AS called ON called.field = chosen.field AND called.code = chosen.value
WHERE chosen.field = {improve}
GROUP BY chosen.value, COALESCE(called.{label}, chosen.value)
ORDER BY n DESC, code
""",
    ),
    "how-long-it-takes": (
        "",
        "How long do people take, by language? The median in seconds, and the slowest tenth from.",
        """
SELECT language, COUNT(*) AS n,
  MIN(CASE WHEN 2 * place >= people THEN duration END) AS median,
  MIN(CASE WHEN 10 * place >= 9 * people THEN duration END) AS slowest_tenth
FROM (
  SELECT language, duration, COUNT(*) OVER (PARTITION BY language) AS people,
    ROW_NUMBER() OVER (PARTITION BY language ORDER BY duration) AS place
  FROM {responses} WHERE duration IS NOT NULL
) AS timed
GROUP BY language ORDER BY language
""",
    ),
    "day-by-day-from-tallies": (
        "rating",
        "How does satisfaction move day by day? From the tallies, so it scans next to nothing.",
        """
SELECT dt, SUM(n) AS n,
  CAST(SUM(n * CAST(value AS BIGINT)) AS DOUBLE) / CAST(SUM(n) AS DOUBLE) AS mean
FROM {tallies}
WHERE segment_key = '' AND item = {item} AND value <> 'na'
GROUP BY dt ORDER BY dt
""",
    ),
    "first-contact-on-time": (
        "",
        "Which team calls unhappy customers in time? Of all that were called or should have been by"
        " now: whoever was never reached counts as not in time. With its 95 % interval (Wilson).",
        """
SELECT team, CAST(n AS BIGINT) AS n, hits / n AS on_time, {low} AS low, {up} AS high
FROM (
  SELECT team, CAST(COUNT(*) AS DOUBLE) AS n,
    CAST(COUNT_IF(contacted_at <= first_contact_due) AS DOUBLE) AS hits
  FROM {follow_ups}
  WHERE kind = 'call' AND first_contact_due IS NOT NULL
    AND (contacted_at IS NOT NULL OR first_contact_due < CURRENT_TIMESTAMP)
  GROUP BY team
) AS called
ORDER BY team NULLS LAST
""",
    ),
    "recovered-detractors": (
        "nps",
        "How many detractors (0 to 6) said that it helped, by the month their follow-up was opened?"
        " Of all of them: those who were never reached or did not answer too.",
        """
SELECT month, CAST(n AS BIGINT) AS detractors, CAST(hits AS BIGINT) AS recovered,
  hits / n AS share, CAST(unreachable AS BIGINT) AS unreachable
FROM (
  SELECT CAST(DATE_TRUNC('month', CAST(dt AS DATE)) AS DATE) AS month,
    CAST(COUNT(*) AS DOUBLE) AS n, CAST(COUNT_IF(outcome = 'verified') AS DOUBLE) AS hits,
    COUNT_IF(outcome = 'unreachable' OR state = 'unreachable') AS unreachable
  FROM {follow_ups} WHERE detractor
  GROUP BY CAST(DATE_TRUNC('month', CAST(dt AS DATE)) AS DATE)
) AS months
ORDER BY month
""",
    ),
}
