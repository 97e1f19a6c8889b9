"""The guestbook as it lies in Redis. Everything that the app remembers is here; its processes
remember nothing.

    guestbook:schema    the version of this layout
    guestbook:entries   a stream with a message for each entry, and one group of readers: workers
    guestbook:replies   a hash from an entry's id to what a worker answered, as JSON

A message that a worker took and did not finish, because it was killed, is another worker's after a
while. So an entry may be handled twice, which does no harm, but it is never forgotten.
"""

import json
import os
from datetime import datetime, timezone

import redis

VERSION = 1
SCHEMA, ENTRIES, REPLIES = "guestbook:schema", "guestbook:entries", "guestbook:replies"
GROUP = "workers"
FORGOTTEN_AFTER = 10_000  # milliseconds without an answer
TIMEOUT = 5  # seconds to connect, and to wait for an answer

Unreachable = (redis.ConnectionError, redis.TimeoutError)


class NotPrepared(Exception):
    """The release process has not run on this Redis."""

    def __init__(self):
        super().__init__("this Redis holds no guestbook yet: run the release process")


class Book:
    def __init__(self):
        self.redis = redis.Redis.from_url(
            os.environ["REDIS_URL"],
            decode_responses=True,
            socket_connect_timeout=TIMEOUT,
            socket_timeout=TIMEOUT,
        )

    def prepare(self):
        """Makes the layout where it is missing. Returns the version that was there, 0 for none; a
        newer one than ours is left alone."""
        found = int(self.redis.get(SCHEMA) or 0)
        if found >= VERSION:
            return found
        try:
            self.redis.xgroup_create(ENTRIES, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # it is there already
                raise
        self.redis.set(SCHEMA, VERSION)
        return found

    def check(self):
        if self.redis.get(SCHEMA) != str(VERSION):
            raise NotPrepared

    def add(self, name, text):
        if not self.redis.xadd(ENTRIES, {"name": name, "text": text}, nomkstream=True):
            raise NotPrepared

    def newest(self, count):
        """The newest entries, each a dict with name, text, when, and its reply or None."""
        self.check()
        entries = self.redis.xrevrange(ENTRIES, count=count)
        replies = self.redis.hmget(REPLIES, [id for id, _ in entries]) if entries else []
        return [
            {**fields, "when": when(id), "reply": json.loads(reply) if reply else None}
            for (id, fields), reply in zip(entries, replies)
        ]

    def take(self, worker):
        """The id and the fields of an entry to handle, or None after a second without one."""
        try:
            abandoned = self.redis.xautoclaim(
                ENTRIES, GROUP, worker, min_idle_time=FORGOTTEN_AFTER, count=1
            )
            if abandoned[1]:
                return abandoned[1][0]
            new = self.redis.xreadgroup(GROUP, worker, {ENTRIES: ">"}, count=1, block=1000)
        except redis.ResponseError as error:
            if str(error).startswith("NOGROUP"):
                raise NotPrepared from None
            raise
        return new[0][1][0] if new else None

    def finish(self, id, reply):
        """Keeps the reply and takes the entry off the list, both or neither."""
        with self.redis.pipeline() as both:
            both.hset(REPLIES, id, json.dumps(reply))
            both.xack(ENTRIES, GROUP, id)
            both.execute()


def when(id):
    """An id begins with the milliseconds of Redis's clock."""
    return datetime.fromtimestamp(int(id.split("-")[0]) / 1000, timezone.utc)
