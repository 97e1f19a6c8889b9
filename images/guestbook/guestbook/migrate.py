"""The release process: makes what the others expect to find in Redis. It may run at any time, and
again."""

import sys

from guestbook.book import VERSION, Book, Unreachable


def main():
    try:
        found = Book().prepare()
    except Unreachable as error:
        sys.exit(f"guestbook: {error}")
    if found > VERSION:
        sys.exit(f"guestbook: schema {found} is a newer release's, this one knows {VERSION}")
    print(f"guestbook: schema {VERSION}, before {found}")


main()
