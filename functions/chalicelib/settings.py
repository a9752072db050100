"""What the functions are told by their environment; nothing else reads it.

========================  ====================================================================
``ECHOFORM_DATA``         ``s3://bucket/prefix``, or a folder (default ``data``)
``ECHOFORM_S3_ENDPOINT``  an S3 server other than AWS
``ECHOFORM_KEY``          the secret that turns customers into pseudonyms
``ECHOFORM_WORKERS``      processes that may merge side by side (1: none but its own)
``ECHOFORM_TALLY``        where counting is done: ``local`` (default), ``athena``, or ``auto``:
                          there once so much is to be counted that one function should not
``ECHOFORM_ATHENA``       the database and workgroup of that (default ``echoform/echoform``)
``ECHOFORM_FOLLOW_UPS``   the DynamoDB table of follow-ups, where data lie on S3 (default
                          ``echoform-follow-ups``); a folder keeps ``follow_ups.sqlite``
``ECHOFORM_EVENTS``       the secret that signs service events; without it none is taken
``ECHOFORM_ORIGIN``       the word that CloudFront says with each request; without it none is asked
                          for, and anybody may ask
``MERGE_QUEUE_URL``       the queue on which ``merge`` puts parts it has no time for, if any
========================  ====================================================================
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Settings(Struct, frozen=True):
    data: str
    endpoint: str | None
    key: bytes
    workers: int = 1
    merge_queue: str | None = None
    tally: str = "local"
    athena: str = "echoform/echoform"
    follow_ups: str = "echoform-follow-ups"
    events: bytes = b""
    origin: bytes = b""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        return cls(
            data=environ.get("ECHOFORM_DATA", "data"),
            endpoint=environ.get("ECHOFORM_S3_ENDPOINT"),
            key=environ.get("ECHOFORM_KEY", "").encode(),
            workers=int(environ.get("ECHOFORM_WORKERS", "1")),
            merge_queue=environ.get("MERGE_QUEUE_URL") or None,
            tally=environ.get("ECHOFORM_TALLY", "local"),
            athena=environ.get("ECHOFORM_ATHENA", "echoform/echoform"),
            follow_ups=environ.get("ECHOFORM_FOLLOW_UPS", "echoform-follow-ups"),
            events=environ.get("ECHOFORM_EVENTS", "").encode(),
            origin=environ.get("ECHOFORM_ORIGIN", "").encode(),
        )
