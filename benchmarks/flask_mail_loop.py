"""`python -m benchmarks.flask_mail_loop PORT MESSAGES FOLDER`: what a script with Flask-Mail would do.
One connection for all, templates compiled once, documents read from the import folder; nothing is written
down."""

from __future__ import annotations

import sys
from pathlib import Path

from flask import Flask
from flask_mail import Mail, Message
from jinja2 import Environment

from benchmarks import timing, workload


def main(port: int, messages: int, folder: Path) -> None:
    """Builds and sends this number of mails."""
    app = Flask("loop")
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=port)
    mail = Mail(app)
    subject, text, html = (
        Environment(autoescape=escapes).from_string(source)
        for source, escapes in ((workload.SUBJECT, False), (workload.text(), False), (workload.html(), True))
    )
    letters = list(workload.letters(messages))
    with app.app_context(), mail.connect() as connection, timing.told(messages):
        for letter in letters:
            message = Message(
                subject.render(letter.names),
                sender=(workload.SENDER_NAME, workload.SENDER),
                recipients=[letter.address],
                bcc=[workload.BCC],
                body=text.render(letter.names),
                html=html.render(letter.names),
            )
            document = (folder / letter.file).read_bytes()
            message.attach(f"{letter.number}.pdf", "application/pdf", document)
            connection.send(message)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
