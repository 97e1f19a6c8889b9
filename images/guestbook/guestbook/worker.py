"""The worker: takes entries that nobody has answered yet and answers them, until SIGTERM. It ends
between two entries; what it was busy with when it is killed is taken by the next worker."""

import os
import signal
import threading

from guestbook.book import Book, NotPrepared, Unreachable

NAME = os.environ["ISORUN_PROCESS"]
PATIENCE = 1  # seconds until Redis is asked again

stopping = threading.Event()


def answer(fields):
    words = len(fields["text"].split())
    return {
        "text": f"Thank you, {fields['name']}, for {words} word{'s' if words != 1 else ''}.",
        "by": NAME,
    }


def work(book):
    taken = book.take(NAME)
    if taken:
        id, fields = taken
        book.finish(id, answer(fields))
        print(f"handled {id} of {fields['name']!r}")


def main():
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    book = Book()
    trouble = None
    while not stopping.is_set():
        try:
            work(book)
            trouble = None
        except (NotPrepared, *Unreachable) as error:
            if str(error) != trouble:  # once, not once a second
                trouble = str(error)
                print(f"waiting: {trouble}")
            stopping.wait(PATIENCE)
    print("stopped between two entries")


main()
