"""The web process: shows the guestbook and takes new entries. It answers none of them itself: that
is the worker's part, so a page is quick whatever an answer takes."""

import html
import os
import signal
import threading
from socketserver import ThreadingMixIn
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from guestbook.book import Book, NotPrepared, Unreachable

NAME = os.environ["ISORUN_PROCESS"]
SHOWN = 50  # entries on the page
FORM_MAX = 16_384  # bytes
SILENCE = 5  # seconds that a client may keep its thread waiting

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>{title}</title>
<h1>{title}</h1>
<form method="post">
<p><input name="name" placeholder="your name" maxlength="80" required>
<input name="text" placeholder="what you have to say" size="60" maxlength="1000" required>
<button>Sign</button>
</form>
<ul>
{entries}
</ul>
<p><small>{name}, release {release}</small>
"""
ENTRY = "<li>{when:%d %b %H:%M} <b>{name}</b>: {text} <i>{reply}</i></li>"

book = Book()


def page():
    entries = []
    for entry in book.newest(SHOWN):
        reply = entry["reply"]
        entries.append(
            ENTRY.format(
                when=entry["when"],
                name=html.escape(entry["name"]),
                text=html.escape(entry["text"]),
                reply=html.escape(f"{reply['text']} ({reply['by']})") if reply else "pending",
            )
        )
    return PAGE.format(
        title=html.escape(os.environ["TITLE"]),
        entries="\n".join(entries),
        name=NAME,
        release=html.escape(os.environ["ISORUN_RELEASE"]),
    )


def sign(environ):
    """Adds the entry of a submitted form; False: there is none in it."""
    length = environ.get("CONTENT_LENGTH", "")
    if not length.isdecimal() or int(length) > FORM_MAX:
        return False
    form = parse_qs(environ["wsgi.input"].read(int(length)).decode(errors="replace"))
    name, text = (form.get(key, [""])[0].strip() for key in ("name", "text"))
    if not name or not text:
        return False
    book.add(name, text)
    return True


def respond(environ):
    """A request as status, body and further headers."""
    match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
        case "GET", "/":
            return "200 OK", page(), []
        case "POST", "/":
            if sign(environ):
                return "303 See Other", "", [("Location", "/")]
            return "400 Bad Request", "A name and a text, please.\n", []
        case "GET", "/healthz":
            book.check()
            return "200 OK", "ok\n", []
        case _, "/" | "/healthz":
            return "405 Method Not Allowed", "", [("Allow", "GET, POST")]
    return "404 Not Found", "There is only one page here.\n", []


def app(environ, start_response):
    try:
        status, body, headers = respond(environ)
    except (NotPrepared, *Unreachable) as error:
        status, body, headers = "503 Service Unavailable", f"{error}\n", [("Retry-After", "1")]
    data = body.encode()
    kind = "text/html" if body.startswith("<!") else "text/plain"
    headers += [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(data)))]
    start_response(status, headers)
    return [data]


class Handler(WSGIRequestHandler):
    timeout = SILENCE


class Server(ThreadingMixIn, WSGIServer):
    request_queue_size = 128


def main():
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # for all threads: they are taken by sigwait
    server = Server(("", int(os.environ["PORT"])), Handler)
    server.set_app(app)
    threading.Thread(target=server.serve_forever).start()
    print(f"serving on port {server.server_port}")
    signal.sigwait(ending)
    server.shutdown()
    server.server_close()  # waits for the requests that are being answered
    print("served the last request")


main()
