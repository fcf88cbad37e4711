"""`python -m benchmarks.plain PORT MESSAGES`: B-plain, the limit that all is compared with. The standard
library's `sendmail` over one connection, of bytes made before: no database, no template, no building."""

from __future__ import annotations

import smtplib
import sys
from email.message import EmailMessage

from jinja2 import Template

from benchmarks import timing, workload

DISTINCT = 100


def main(port: int, messages: int) -> None:
    """Sends this number of mails, repeating DISTINCT different ones."""
    mails = [(letter.address, built(letter)) for letter in workload.letters(DISTINCT)]
    with smtplib.SMTP("127.0.0.1", port) as connection, timing.told(messages):
        for index in range(messages):
            address, mail = mails[index % DISTINCT]
            connection.sendmail(workload.SENDER, [address, workload.BCC], mail)


def built(letter: workload.Letter) -> bytes:
    """The mail, as the standard library makes it."""
    message = EmailMessage()
    message["From"] = f"{workload.SENDER_NAME} <{workload.SENDER}>"
    message["To"] = letter.address
    message["Subject"] = Template(workload.SUBJECT).render(letter.names)
    message.set_content(Template(workload.text()).render(letter.names))
    message.add_alternative(Template(workload.html()).render(letter.names), subtype="html")
    document = workload.document(letter.number, letter.code)
    message.add_attachment(document, maintype="application", subtype="pdf", filename=f"{letter.number}.pdf")
    return message.as_bytes().replace(b"\n", b"\r\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
