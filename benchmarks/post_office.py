"""`python -m benchmarks.post_office prepare|send PORT MESSAGES FOLDER HOME`: the same work with
django-post_office, on SQLite. Runs in a virtual environment of its own (peers.py), which has Django and knows
nothing of Mailrun.

`prepare` renders and queues the messages, `send` sends what is queued. The settings are the fastest found:
two processes with five threads each, all in one batch, no log of what was sent, texts rendered when they are
queued."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import django
from django.conf import settings

from benchmarks import timing, workload

PROCESSES = 2


def configure(port: int, home: Path, messages: int) -> None:
    """A Django project in a few lines."""
    settings.configure(
        INSTALLED_APPS=["post_office"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": home / "post_office.sqlite3",
                "OPTIONS": {"timeout": 60, "init_command": "PRAGMA journal_mode=WAL"},
            }
        },
        EMAIL_BACKEND="post_office.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        MEDIA_ROOT=home / "media",
        LOGGING_CONFIG=None,
        USE_TZ=True,
        USE_I18N=False,
        TEMPLATES=[
            {
                "BACKEND": "post_office.template.backends.post_office.PostOfficeTemplates",
                "APP_DIRS": True,
                "DIRS": [],
                "OPTIONS": {},
            },
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [], "OPTIONS": {}},
        ],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        POST_OFFICE={
            "BATCH_SIZE": messages,
            "THREADS_PER_PROCESS": 5,
            "LOG_LEVEL": 0,
            "SENDING_ORDER": ["created"],
            "CELERY_ENABLED": False,
            "MAX_RETRIES": 0,
        },
    )
    django.setup()


def prepare(messages: int, folder: Path) -> None:
    """Queues this number of mails, in one transaction."""
    from django.core.files.base import ContentFile
    from django.core.management import call_command
    from django.db import transaction
    from post_office import mail
    from post_office.models import EmailTemplate

    call_command("migrate", verbosity=0)
    template = EmailTemplate.objects.create(
        name="invoice",
        subject=workload.SUBJECT,
        content=workload.text(),
        html_content=workload.html(),
    )
    with timing.told(messages), transaction.atomic():
        for letter in workload.letters(messages):
            document = ContentFile((folder / letter.file).read_bytes())
            mail.send(
                letter.address,
                f"{workload.SENDER_NAME} <{workload.SENDER}>",
                bcc=[workload.BCC],
                template=template,
                context=letter.names,
                attachments={f"{letter.number}.pdf": {"file": document, "mimetype": "application/pdf"}},
            )


def send(messages: int) -> None:
    """Sends what is queued, as its own command does."""
    from post_office.mail import send_queued
    from post_office.models import STATUS, Email

    logging.getLogger("post_office").setLevel(logging.WARNING)
    with timing.told(messages):
        send_queued(processes=PROCESSES, log_level=0)
    sent = Email.objects.filter(status=STATUS.sent).count()
    if sent != messages:
        raise SystemExit(f"{sent} of {messages} were sent")


if __name__ == "__main__":
    step, port, messages, folder, home = sys.argv[1:6]
    configure(int(port), Path(home), int(messages))
    if step == "prepare":
        prepare(int(messages), Path(folder))
    else:
        send(int(messages))
